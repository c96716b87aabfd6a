import { buildSchema, GraphQLObjectType, GraphQLSchema, GraphQLString, graphql } from 'graphql'
import { describe, expect, test } from 'vitest'
import { enforceAccess } from '../../../src/graphql/access.ts'

describe('access', () => {
  test('an operation or field without a declared rule does not start', () => {
    expect(() => enforceAccess(buildSchema('type Query { a: Thing } type Thing { b: String }'))).toThrow(
      'no access rule is declared for Query.a, Thing.b',
    )
  })

  test('a rule of a field beats that of its type, and neither lets strangers in', async () => {
    const query = new GraphQLObjectType({
      name: 'Query',
      extensions: { access: ['viewer'] },
      fields: {
        a: { type: GraphQLString, resolve: () => 'a' },
        b: { type: GraphQLString, resolve: () => 'b', extensions: { access: ['operator'] } },
        c: { type: GraphQLString, resolve: () => 'c', extensions: { access: 'signed-in' } },
      },
    })
    const schema = enforceAccess(new GraphQLSchema({ query }))
    const ask = async (roles: string[]) =>
      (await graphql({ schema, source: '{ a b c }', contextValue: { principal: { userId: 'u', roles } } })).data
    expect({ ...(await ask(['viewer'])) }).toEqual({ a: 'a', b: null, c: 'c' })
    expect({ ...(await ask(['operator'])) }).toEqual({ a: null, b: 'b', c: 'c' })
    expect({ ...(await ask([])) }).toEqual({ a: null, b: null, c: 'c' })
  })
})
