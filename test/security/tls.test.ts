import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { LIMITS } from '../../src/domain/limits.ts'
import { run, start } from '../support/cli.ts'
import { metricsUrl } from '../support/metrics-port.ts'
import { openRaw } from '../support/raw-connection.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const FIXTURES = 'test/fixtures/tls'
const certificate = (name: 'first' | 'second') => readFileSync(join(FIXTURES, `${name}-cert.pem`), 'utf8')

/** A folder with a certificate for bridge.example, and the settings that name it. */
function withCertificate(name: 'first' | 'second' = 'first') {
  const folder = makeFolder()
  const settings = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') }
  const put = (next: 'first' | 'second') => {
    copyFileSync(join(FIXTURES, `${next}-cert.pem`), settings.TLS_CERT_FILE)
    copyFileSync(join(FIXTURES, `${next}-key.pem`), settings.TLS_KEY_FILE)
  }
  put(name)
  return { folder, settings, put }
}

/** An encrypted connection to a server that shows this certificate. */
async function open(url: string, ca: string, more: object = {}): Promise<TLSSocket> {
  const { hostname: host, port } = new URL(url)
  const socket = connect({ host, port: Number(port), ca, servername: 'bridge.example', ...more })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

async function answer(socket: TLSSocket, path: string, token?: string): Promise<string> {
  const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${authorization}\r\n`)
  const [chunk] = await once(socket, 'data')
  return String(chunk)
}

describe('with a certificate', () => {
  test('the server speaks HTTPS alone, of TLS 1.2 or newer', async () => {
    const { folder, settings } = withCertificate()
    const server = await startServer(folder, settings)
    expect(server.url).toMatch(/^https:/)
    const told = await answer(await open(server.url, certificate('first')), '/health/live')
    expect(told).toMatch(/^HTTP\/1\.1 200/)
    await expect(
      open(server.url, certificate('first'), { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
    ).rejects.toThrow()
    // in the clear nobody is answered anything of the bridge
    const clear = openRaw(server.url, 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(await clear.closed).not.toContain('live')
    expect(await answer(await open(server.url, certificate('first')), '/health/live')).toMatch(/^HTTP\/1\.1 200/)
  })

  test('every answer says that browsers come by HTTPS alone from then on, refusals, too', async () => {
    const { folder, settings } = withCertificate()
    const server = await startServer(folder, settings)
    const token = await server.token(['operator'])
    for (const [path, status, shown] of [
      ['/health/live', 200, undefined],
      ['/graphql', 401, undefined],
      ['/graphql?query={viewer{userId}}', 400, token],
      ['/metrics', 200, token],
      ['/nowhere', 404, token],
    ] as const) {
      const told = await answer(await open(server.url, certificate('first')), path, shown)
      expect(told, path).toContain(`HTTP/1.1 ${status}`)
      expect(told, path).toContain('strict-transport-security: max-age=31536000\r\n')
    }
  })

  test('WebSockets are encrypted, too, and own pages are those of HTTPS', async () => {
    const { folder, settings } = withCertificate()
    // elsewhere any page of this machine may ask, by a token
    const server = await startServer(folder, { ...settings, NODE_ENV: 'production' })
    const { host } = new URL(server.url)
    const opened = async (origin: string): Promise<boolean> => {
      const socket = new WebSocket(`wss://${host}/graphql`, 'graphql-transport-ws', {
        agent: new Agent({ ca: certificate('first'), servername: 'bridge.example' }),
        origin,
      })
      onTestFinished(() => socket.terminate())
      const failed = once(socket, 'error').then(() => false)
      return Promise.race([once(socket, 'open').then(() => true), failed])
    }
    expect(await opened(`https://${host}`)).toBe(true)
    expect(await opened(`http://${host}`)).toBe(false)
  })

  test('the port of METRICS_PORT is encrypted, too, by the same certificate, also after that was renewed', async () => {
    const { folder, settings, put } = withCertificate()
    const server = await startServer(folder, { ...settings, METRICS_PORT: '0' })
    const url = metricsUrl(server)
    expect(url).toMatch(/^https:/)
    const told = await answer(await open(url, certificate('first')), '/metrics')
    expect(told).toMatch(/^HTTP\/1\.1 200/)
    expect(told).toContain('strict-transport-security: max-age=')
    const clear = openRaw(url, 'GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(await clear.closed).not.toContain('token_bridge_')
    const kept = await open(url, certificate('first'))
    put('second')
    server.app.renewCertificate()
    await expect(open(url, certificate('first'))).rejects.toThrow()
    expect(await answer(await open(url, certificate('second')), '/metrics')).toMatch(/^HTTP\/1\.1 200/)
    // a connection that was made before goes on
    expect(await answer(kept, '/metrics')).toMatch(/^HTTP\/1\.1 200/)
  })

  test('connections that never show a token drive out no encrypted one that has', async () => {
    const { folder, settings } = withCertificate()
    const server = await startServer(folder, settings)
    const known = await open(server.url, certificate('first'))
    const token = await server.token(['operator'])
    expect(await answer(known, '/metrics', token)).toMatch(/^HTTP\/1\.1 200/)
    const idle = Array.from({ length: LIMITS.strangersOfAddress.value + 100 }, () => openRaw(server.url))
    await Promise.all(idle.slice(0, 50).map(({ closed }) => closed))
    expect(known.destroyed).toBe(false)
    known.removeAllListeners('data')
    expect(await answer(known, '/nowhere', token)).toContain('HTTP/1.1 404')
  })

  test('that cannot be used the start is refused, and the file named', async () => {
    const { folder, settings } = withCertificate()
    const refused = async (more: Record<string, string>, message: string) =>
      expect(startServer(folder, { ...settings, ...more })).rejects.toThrow(message)
    const wrong = join(folder, 'wrong.pem')
    writeFileSync(wrong, 'no PEM')
    const missing = join(folder, 'missing.pem')
    await refused({ TLS_CERT_FILE: missing }, `TLS_CERT_FILE ${missing} cannot be read (ENOENT)`)
    await refused({ TLS_KEY_FILE: missing }, `TLS_KEY_FILE ${missing} cannot be read (ENOENT)`)
    await refused({ TLS_CERT_FILE: wrong }, `TLS_CERT_FILE ${wrong} holds no certificate in PEM`)
    await refused({ TLS_KEY_FILE: wrong }, `TLS_KEY_FILE ${wrong} holds no private key`)
    const other = join(FIXTURES, 'second-key.pem')
    await refused({ TLS_KEY_FILE: other }, 'is not the key of the certificate in TLS_CERT_FILE')
    await refused({ TLS_KEY_FILE: '' }, 'TLS_CERT_FILE needs TLS_KEY_FILE')
  })

  test('the command line knows the server of its machine, also after SIGHUP has renewed the certificate', async () => {
    const { folder, settings, put } = withCertificate()
    const server = start(['serve'], folder, { ...settings, PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    const url = await until('the server', () => /answers at (\S+)\/graphql/.exec(server.stdout())?.[1])
    const health = () => run(['health'], folder)
    expect(await health()).toMatchObject({ code: 0, stderr: '' })
    const shown = async (): Promise<string> => {
      const socket = await open(url, '', { rejectUnauthorized: false })
      return socket.getPeerX509Certificate()?.toString() ?? ''
    }
    writeFileSync(settings.TLS_KEY_FILE, 'half a file')
    server.signal('SIGHUP')
    await until('the refusal', () => server.stderr().includes('cannot be used: the one before stays') || undefined)
    expect(await shown()).toBe(certificate('first'))
    put('second')
    server.signal('SIGHUP')
    await until('the renewal', () => server.stderr().includes('the certificate was read again') || undefined)
    expect(await shown()).toBe(certificate('second'))
    expect(await health()).toMatchObject({ code: 0, stderr: '' })
    // one that shows another certificate is not the server that was written down
    const path = join(folder, '.token-bridge', 'server.json')
    writeFileSync(path, JSON.stringify({ url, pid: 1, certificate: certificate('first') }))
    expect((await health()).stderr).toMatch(/does not answer \(.+\)/)
  })
})
