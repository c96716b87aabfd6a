import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawConnection {
  socket: Socket
  /** What has come so far. */
  received(): string
  /** Settles with all that came, when the other side has closed. */
  closed: Promise<string>
}

/** A TCP connection to a server, to send what no client would; closed at the end of the test. */
export function openRaw(url: string, text = ''): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => resolve(received))
  })
  if (text !== '') socket.write(text)
  onTestFinished(() => void socket.destroy())
  return { socket, received: () => received, closed }
}

/** The head of a request, its lines and an empty one. */
export function head(line: string, headers: Record<string, string | number>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Status codes of the answers in what was received. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))
}
