// The floor of the benchmark `worst`: `node:http` and `ws` alone, which refuse who has no token and answer everybody else
// the same at once. What a check is late by here, is the machine's own. Prints its address.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { WebSocketServer } from 'ws'

const isStranger = ({ headers }: IncomingMessage): boolean => headers.authorization === undefined

const server = createServer((request, response) => {
  if (request.method === 'GET') return response.end('{"status":"live"}')
  if (isStranger(request)) {
    response.writeHead(401, { connection: 'close' })
    return response.end('{}')
  }
  return request.on('end', () => response.end('{"data":{}}')).resume()
})
const sockets = new WebSocketServer({ server, handleProtocols: () => GRAPHQL_TRANSPORT_WS_PROTOCOL })
sockets.on('connection', (socket) =>
  socket.on('error', () => undefined).on('message', () => socket.send('{"type":"connection_ack"}')),
)
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`http://127.0.0.1:${port}\n`)
})
