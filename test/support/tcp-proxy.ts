import { connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { onTestFinished } from 'vitest'

/** A way to a server that can be cut: what a network that fails looks like. */
export interface TcpProxy {
  /** The address of the server, by this way. */
  url: string
  /** Cuts all connections and takes no more. */
  cut(): Promise<void>
  restore(): Promise<void>
  /** What the server sends comes so much later from now on. */
  delay(ms: number): void
  /** Connections that are open now. */
  connections(): number
}

export async function startProxy(target: string): Promise<TcpProxy> {
  const url = new URL(target)
  const sockets = new Set<Socket>()
  let delayMs = 0
  const server = createServer((client) => {
    const upstream = connect(Number(url.port || 6379), url.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client
      .pipe(upstream)
      .pipe(later(() => delayMs))
      .pipe(client)
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as { port: number }
  const proxied = new URL(target)
  proxied.hostname = '127.0.0.1'
  proxied.port = String(port)
  const cut = async () => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  onTestFinished(cut)
  return {
    url: proxied.href,
    cut,
    restore: () => listen(port),
    delay(ms) {
      delayMs = ms
    },
    connections: () => sockets.size / 2,
  }
}

/** Hands on what comes, after a while. */
const later = (delayMs: () => number): Transform =>
  new Transform({
    transform(chunk, _encoding, done) {
      if (delayMs() === 0) done(null, chunk)
      else setTimeout(done, delayMs(), null, chunk)
    },
  })
