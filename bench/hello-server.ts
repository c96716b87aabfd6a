// The peer of the query benchmark: a bare Apollo "hello" on Fastify. Prints its address.
import { ApolloServer } from '@apollo/server'
import fastifyApollo from '@as-integrations/fastify'
import Fastify from 'fastify'

const fastify = Fastify()
const apollo = new ApolloServer({
  typeDefs: 'type Query { hello: String }',
  resolvers: { Query: { hello: () => 'hello' } },
})
await apollo.start()
await fastify.register(fastifyApollo(apollo) as never)
process.stdout.write(`${await fastify.listen({ port: 0, host: '127.0.0.1' })}\n`)
