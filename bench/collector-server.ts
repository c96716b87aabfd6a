// The collector of the benchmark of watching: takes traces and throws them away. Prints its address; GET / says how many
// spans have come.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const SPAN = '"spanId":'
let spans = 0
const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray())
  for (let at = body.indexOf(SPAN); at !== -1; at = body.indexOf(SPAN, at + SPAN.length)) spans++
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(request.method === 'GET' ? JSON.stringify({ spans }) : '{}')
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
