import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const FIXTURES = 'test/fixtures/tls'

/** Whoever has put itself in the way of a dependency: it speaks TLS, with a certificate that nobody has signed. */
async function startStranger() {
  const heard: string[] = []
  let connections = 0
  const server = createServer({
    cert: readFileSync(`${FIXTURES}/first-cert.pem`),
    key: readFileSync(`${FIXTURES}/first-key.pem`),
  })
  server.on('connection', () => connections++)
  server.on('tlsClientError', () => undefined)
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => heard.push(String(chunk)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  return { at: `localhost:${port}`, port, heard, connections: () => connections }
}

test('a server hears what is said to it, where its certificate is not looked at', async () => {
  const { port, heard } = await startStranger()
  const socket = connect({ port, rejectUnauthorized: false }, () => socket.write('a password'))
  onTestFinished(() => void socket.destroy())
  await until('the password', () => (heard.includes('a password') ? true : undefined))
})

test('a dependency whose certificate nobody has signed hears nothing; health says why, and the files answer', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1', session: 'a' })] })
  const [clickhouse, redis, unleash] = [await startStranger(), await startStranger(), await startStranger()]
  const server = await startServer(folder, {
    CLICKHOUSE_URL: `https://${clickhouse.at}`,
    CLICKHOUSE_USER: 'bridge',
    CLICKHOUSE_PASSWORD: 'the password of the database',
    REDIS_URL: `rediss://:the-password-of-redis@${redis.at}`,
    UNLEASH_URL: `https://${unleash.at}/api`,
    UNLEASH_API_TOKEN: 'default:development.the-token-of-unleash',
  })
  const strangers = { clickhouse, redis, unleash }
  await until('all of them to be away', async () => {
    const { data } = await server.ask('{ health { components { name state detail } } }', {}, ['operator'])
    const all: { name: string; state: string; detail: string }[] = data.health.components
    const away = all.filter(({ name, state }) => name in strangers && state !== 'UP')
    return away.length === 3 && away.every(({ detail }) => /certificate|_CERT/.test(detail)) ? true : undefined
  })
  for (const { heard, connections } of Object.values(strangers)) {
    expect(connections()).toBeGreaterThan(0)
    expect(heard).toEqual([])
  }
  const { data } = await server.ask('{ tokenMetrics { recordCount provenance { source } } }')
  expect(data.tokenMetrics).toEqual({ recordCount: '1', provenance: { source: 'LEGACY' } })
  expect(server.log()).not.toMatch(/the-password|the password|the-token/)
})
