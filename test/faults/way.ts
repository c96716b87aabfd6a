import { randomBytes } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import type { Dependency, Trouble } from './faults.ts'

/** A way to a server, on which tests make trouble. */
export interface Way {
  /** The address of the server, by this way. */
  url: string
  /** From now on; `undefined`: nothing is in the way any more. */
  make(trouble: Trouble | undefined): void
  close(): Promise<void>
}

/** More than Redis is waited for, and less than anything else is. */
const SLOW_MS = 400
const PAGE_TEXT = '<!doctype html><title>Welcome</title><p>Please sign in to use this network.'
const PAGE = `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${PAGE_TEXT.length}\r\nconnection: close\r\n\r\n${PAGE_TEXT}`

/** By what is called there, whatever a server answers that refuses everything. */
const REFUSALS: Record<Dependency, (received: Buffer) => { answer: string; isLast: boolean }> = {
  ClickHouse: () =>
    refusedByHttp('x-clickhouse-exception-code: 241', 'Code: 241. DB::Exception: (MEMORY_LIMIT_EXCEEDED)'),
  // one for each command
  Redis: (received) => ({
    answer: '-LOADING Redis is loading the dataset in memory\r\n'.repeat(commandsIn(received)),
    isLast: false,
  }),
  Unleash: () => refusedByHttp('retry-after: 1', 'too busy'),
}
const refusedByHttp = (header: string, text: string) => ({
  answer: `HTTP/1.1 503 Service Unavailable\r\n${header}\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
  isLast: true,
})
const commandsIn = (received: Buffer): number =>
  [...received.toString('latin1').matchAll(/(?:^|\r\n)\*\d+\r\n/g)].length

export async function openWay(dependency: Dependency, target: string): Promise<Way> {
  const url = new URL(target)
  const sockets = new Set<Socket>()
  let trouble: Trouble | undefined
  const keep = (socket: Socket, other: () => Socket | undefined): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      other()?.destroy()
    })
  }
  const server = createServer((client) => {
    let upstream: Socket | undefined
    keep(client, () => upstream)
    if (trouble === 'cut') return void client.destroy()
    if (trouble === 'page') return void client.once('data', () => client.end(PAGE))
    if (trouble === 'refuses') return refuse(dependency, client)
    upstream = connect(Number(url.port), url.hostname)
    keep(upstream, () => client)
    client.pipe(upstream)
    upstream.pipe(harmed(() => trouble, client)).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const there = new URL(target)
  there.hostname = '127.0.0.1'
  there.port = String(port)
  return {
    url: there.href.replace(/\/$/, ''),
    make(next) {
      // a connection on which something was held back or made up is of no use afterwards
      if (trouble !== undefined || next === 'cut' || next === 'page' || next === 'refuses') destroyAll()
      trouble = next
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      destroyAll()
      await closed
    },
  }
}

function refuse(dependency: Dependency, client: Socket): void {
  let isOver = false
  client.on('data', (received) => {
    if (isOver) return
    const { answer, isLast } = REFUSALS[dependency](received)
    client.write(answer)
    isOver = isLast
    if (isLast) client.end()
  })
}

/** What a server sends, as it comes out of the trouble of the moment. */
const harmed = (trouble: () => Trouble | undefined, client: Socket): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      switch (trouble()) {
        case 'slow':
          return void setTimeout(done, SLOW_MS, null, chunk)
        case 'silent':
          return done()
        case 'half':
          client.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => client.destroy())
          return done()
        case 'noise':
          return done(null, randomBytes(chunk.length))
        default:
          return done(null, chunk)
      }
    },
  })
