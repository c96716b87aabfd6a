import { describe, expect, test } from 'vitest'
import { metricsUrl } from '../support/metrics-port.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

describe('the port of METRICS_PORT', () => {
  test('tells the metrics without a token on loopback, and can do nothing else', async () => {
    const server = await startServer(makeFolder(), { METRICS_PORT: '0' })
    const url = metricsUrl(server)
    const told = await fetch(`${url}/metrics`)
    expect([told.status, told.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(await told.text()).toContain('token_bridge_build_info{')
    const query = encodeURIComponent('{ health { state } }')
    const headers = { authorization: `Bearer ${await server.token(['operator'])}` }
    for (const path of ['/', `/graphql?query=${query}`, '/health/ready', '/graphiql', '/metrics/x'])
      expect([path, (await fetch(url + path, { headers })).status]).toEqual([path, 404])
    expect((await fetch(`${url}/metrics`, { method: 'POST', body: '{}' })).status).toBe(405)
    // the main port asks for a token as before
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
    await server.close()
    await expect(fetch(`${url}/metrics`)).rejects.toThrow()
  })

  test('answers no page whose name was made to lead here', async () => {
    const url = metricsUrl(await startServer(makeFolder(), { METRICS_PORT: '0' }))
    expect((await fetch(`${url}/metrics`, { headers: { origin: 'https://elsewhere.example' } })).status).toBe(403)
  })

  test('wants the token of a scraper where other machines reach it', async () => {
    const server = await startServer(makeFolder(), {
      METRICS_PORT: '0',
      HOST: '0.0.0.0',
      TRUSTED_PROXY: '127.0.0.1',
      AUTH_JWT_SECRET: 'a secret of at least thirty-two bytes',
    })
    const url = metricsUrl(server).replace('0.0.0.0', '127.0.0.1')
    const asked = async (roles?: ['scraper'] | ['viewer']) => {
      const headers = roles === undefined ? {} : { authorization: `Bearer ${await server.token(roles)}` }
      return (await fetch(`${url}/metrics`, { headers })).status
    }
    expect([await asked(), await asked(['viewer']), await asked(['scraper'])]).toEqual([401, 403, 200])
  })
})
