// Peers of the query benchmark: servers that send the same bytes to every question, and do nothing else. Prints its
// address. `fastify` reads the body and verifies the caller's token first; `http` is Node's own server, which is the
// least that any of them costs.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'

const [kind, payloadFile, secretFile] = process.argv.slice(2) as [string, string, string]
const payload = readFileSync(payloadFile)
const secret = readFileSync(secretFile)
const TYPE = { 'content-type': 'application/json; charset=utf-8' }
const LOCAL = { port: 0, host: '127.0.0.1' }

/** Signature and end, each time, by the quickest way that Node has. */
function isGood(authorization = ''): boolean {
  const [head, claims, signature = ''] = authorization.replace('Bearer ', '').split('.')
  const right = createHmac('sha256', secret).update(`${head}.${claims}`).digest()
  const shown = Buffer.from(signature, 'base64url')
  if (shown.length !== right.length || !timingSafeEqual(shown, right)) return false
  return JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()).exp * 1000 > Date.now()
}

async function startFastify(): Promise<string> {
  const fastify = Fastify()
  fastify.addHook('onRequest', (request, reply, done) => {
    if (isGood(request.headers.authorization)) done()
    else void reply.code(401).send()
  })
  fastify.post('/graphql', (_request, reply) => reply.headers(TYPE).send(payload))
  return fastify.listen(LOCAL)
}

function startHttp(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { ...TYPE, 'content-length': payload.length })
    response.end(payload)
  })
  return new Promise((resolve) => {
    server.listen(LOCAL, () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

process.stdout.write(`${await (kind === 'fastify' ? startFastify() : startHttp())}\n`)
