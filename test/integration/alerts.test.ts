// Alerts of real servers, told to a real webhook.
import { describe, expect, test } from 'vitest'
import { AlertRefused } from '../../src/ports/alert-target.ts'
import { createSlack, createWebhook } from '../../src/webhooks/targets.ts'
import { startAlertHook } from '../support/alert-hook.ts'
import { useScenes } from '../support/migration-scene.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const NOTIFICATION = {
  id: 'one-opened',
  event: 'opened' as const,
  alert: {
    id: 'one',
    name: 'journal_disk',
    severity: 'CRITICAL',
    level: 1,
    openedAt: 0,
    closedAt: undefined,
    message: '0.95 <ratio> & more',
    runbook: 'docs/runbooks/alerts.md#journal_disk',
  },
}

function small(): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
  return folder
}
const operate = async (server: TestServer, query: string, user = 'olga') =>
  server.ask(query, {}, ['operator'], { user })
const ALERTS = '{ alerts { id name severity state level message runbook acknowledgedBy closedAt } }'
const alertOf = (server: TestServer, state: string) =>
  until(`an alert that is ${state}`, async () => {
    const { data } = await operate(server, ALERTS)
    return (data.alerts as { id: string; name: string; state: string }[]).find(
      (one) => one.name === 'guard_tripped' && one.state === state,
    )
  })

describe('whoever is to be woken', () => {
  test('gets JSON, or the form of Slack, with an id that is the same for the same', async () => {
    const { url, taken } = await startAlertHook(() => true)
    await createWebhook(`${url}/json?key=hush`).send(NOTIFICATION)
    await createSlack(`${url}/slack`).send(NOTIFICATION)
    expect(taken.map(({ path, key }) => `${path} ${key}`)).toEqual(['/json?key=hush one-opened', '/slack one-opened'])
    expect(taken[0]?.body).toMatchObject({ id: 'one-opened', event: 'opened', alert: { name: 'journal_disk' } })
    expect(taken[1]?.body).toEqual({
      text: '[CRITICAL, level 1] journal_disk: 0.95 &lt;ratio&gt; &amp; more (docs/runbooks/alerts.md#journal_disk)',
    })
    await createSlack(`${url}/slack`).send({ ...NOTIFICATION, event: 'worsened' })
    expect(taken[2]?.body.text).toMatch(/^\[now CRITICAL, level 1\] journal_disk: /)
  })

  test('has not got it where they redirect, fail, or take too long, and no error tells the address', async () => {
    const { url, taken, state } = await startAlertHook(() => true)
    const webhook = createWebhook(`${url}/hush`, 300)
    const errorOf = () =>
      webhook.send(NOTIFICATION).then(
        () => 'none',
        (error: Error) => `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`,
      )
    Object.assign(state, { status: 307, headers: { location: `${url}/elsewhere` } })
    expect(await errorOf()).toMatch(/^it redirects/)
    expect(taken.map(({ path }) => path)).toEqual(['/hush'])
    Object.assign(state, { status: 503, headers: {} })
    expect(await errorOf()).toMatch(/^it answered 503/)
    Object.assign(state, { status: 400 })
    await expect(webhook.send(NOTIFICATION)).rejects.toBeInstanceOf(AlertRefused)
    state.isSilent = true
    expect(await errorOf()).toMatch(/^it was not reached: it took too long/)
    const nobody = await createWebhook('http://127.0.0.1:9/hush').send(NOTIFICATION).catch(String)
    expect(nobody).toMatch(/ECONNREFUSED|connection failed/)
    expect(`${await errorOf()} ${nobody}`).not.toContain('hush')
  })

  test('is named by a setting, over HTTPS off this machine', async () => {
    for (const name of ['ALERT_WEBHOOK_URL', 'ALERT_SLACK_URL']) {
      await expect(startServer(small(), { [name]: 'http://hooks.example/hush' })).rejects.toThrow(
        `${name} leads to hooks.example in the clear`,
      )
      const wrong = startServer(small(), { [name]: 'ftp://hooks.example/hush' }).catch(String)
      expect(await wrong).toContain(`${name} must begin with http`)
      expect(await wrong).not.toContain('hush')
    }
  })
})

describe('a guard that trips', () => {
  test('opens an alert and an incident, which is told, acknowledged, closed with it, and stays over a restart', async () => {
    const { url, taken, state } = await startAlertHook()
    const folder = small()
    state.status = 503
    const server = await startServer(folder, { ALERT_WEBHOOK_URL: `${url}/hush`, CLICKHOUSE_EMBEDDED: 'off' })
    await operate(server, 'mutation { tripGuard(reason: "wrong figures") { tripped } }')
    const { id, ...alert } = await alertOf(server, 'OPEN')
    expect(alert).toMatchObject({
      name: 'guard_tripped',
      severity: 'CRITICAL',
      level: 1,
      message: 'everybody is on the files, by olga: wrong figures',
      runbook: 'docs/runbooks/alerts.md#guard_tripped',
    })
    await until('an attempt', () => (taken.length > 0 ? true : undefined))
    await server.close()
    state.status = 200
    const again = await startServer(folder, { ALERT_WEBHOOK_URL: `${url}/hush`, CLICKHOUSE_EMBEDDED: 'off' })
    const before = taken.length
    await until('it to be told', () => (taken.length > before ? true : undefined))
    expect(new Set(taken.map(({ key, body }) => `${key} ${body.event}`))).toEqual(new Set([`${id}-opened opened`]))
    await operate(again, `mutation { acknowledgeAlert(id: "${id}", note: "I look") { state } }`)
    expect(await alertOf(again, 'ACKNOWLEDGED')).toMatchObject({ id, acknowledgedBy: 'olga' })
    await operate(again, 'mutation { resetGuard(reason: "repaired") { tripped } }')
    await alertOf(again, 'CLOSED')
    await until('its end to be told', () => taken.find(({ body }) => body.event === 'closed'))
    const { data } = await operate(again, '{ incidents { id title risk resolvedAt timeline { text by } } }')
    expect(data.incidents).toEqual([
      {
        id,
        title: 'guard_tripped: everybody is on the files, by olga: wrong figures',
        risk: 4,
        resolvedAt: expect.any(String),
        timeline: [
          { text: 'everybody is on the files, by olga: wrong figures', by: null },
          { text: 'acknowledged: I look', by: 'olga' },
          { text: 'the guard was reset', by: null },
        ],
      },
    ])
    expect(server.log() + again.log()).not.toContain('hush')
  })

  test('opens and ends alerts, though whoever is told does not answer', async () => {
    const { url, taken, state } = await startAlertHook()
    state.isSilent = true
    const server = await startServer(small(), { ALERT_WEBHOOK_URL: url, CLICKHOUSE_EMBEDDED: 'off' })
    await operate(server, 'mutation { tripGuard(reason: "wrong figures") { tripped } }')
    await until('an attempt', () => (taken.length > 0 ? true : undefined))
    await operate(server, 'mutation { resetGuard(reason: "repaired") { tripped } }')
    await alertOf(server, 'CLOSED')
    expect(state.givenUp).toBe(0)
  })

  test('is told to one while another one takes nothing, and the log says which', async () => {
    const [good, bad] = [await startAlertHook(), await startAlertHook(() => true)]
    bad.state.status = 503
    const settings = { ALERT_WEBHOOK_URL: good.url, ALERT_SLACK_URL: bad.url, CLICKHOUSE_EMBEDDED: 'off' }
    const server = await startServer(small(), settings)
    await operate(server, 'mutation { tripGuard(reason: "wrong figures") { tripped } }')
    await until('two attempts', () => (bad.taken.length > 1 && good.taken.length > 0 ? true : undefined))
    await operate(server, 'mutation { resetGuard(reason: "repaired") { tripped } }')
    await until('its end to be told', () => good.taken.find(({ body }) => body.event === 'closed'))
    expect(server.log()).toMatch(/"target":"slack".*an alert could not be sent/)
    expect(server.log()).not.toContain('alerts can be sent again')
  })

  test('has an incident that can be closed by hand, by an operator who says why; the audit log has it', async () => {
    const server = await startServer(small(), { CLICKHOUSE_EMBEDDED: 'off' })
    await operate(server, 'mutation { tripGuard(reason: "wrong figures") { tripped } }')
    const { id } = await alertOf(server, 'OPEN')
    const codeOf = async (query: string, role: 'viewer' | 'operator' = 'operator') =>
      (await server.ask(query, {}, [role])).errors?.[0]?.extensions.code
    const closing = (note: string, of = id) => `mutation { closeIncident(id: "${of}", note: "${note}") { resolvedAt } }`
    expect(await codeOf(closing('seen to'), 'viewer')).toBe('FORBIDDEN')
    expect(await codeOf(ALERTS, 'viewer')).toBe('FORBIDDEN')
    expect(await codeOf('{ incidents { id } }', 'viewer')).toBe('FORBIDDEN')
    expect(await codeOf(closing(''))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(closing('seen to', 'none'))).toBe('INVALID_ARGUMENT')
    expect((await operate(server, closing('seen to'))).data.closeIncident.resolvedAt).toEqual(expect.any(String))
    expect(await codeOf(closing('again'))).toBe('CONFLICT')
    expect(await codeOf(`mutation { acknowledgeAlert(id: "${id}") { state } }`)).toBe('CONFLICT')
    const { data } = await operate(
      server,
      '{ auditEntries(action: "mutation closeIncident") { edges { node { who outcome detail } } } }',
    )
    expect(data.auditEntries.edges.map(({ node }: { node: object }) => node)).toContainEqual({
      who: 'olga',
      outcome: 'ok',
      detail: expect.stringContaining('seen to'),
    })
  })
})

describe('instances', () => {
  const scene = useScenes()
  const AUTH = { AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes' }

  test('that share a database alone have one alert together, of which one is told once', async () => {
    const { url, taken } = await startAlertHook()
    const folder = makeFolder()
    const settings = { ...AUTH, ALERT_WEBHOOK_URL: `${url}/hush` }
    const first = await scene({ folder, settings })
    const second = await scene({
      folder,
      write: false,
      database: first.database,
      settings: { ...settings, DATA_DIR: `${folder}/second` },
    })
    await until('the guard to be known on both', async () => {
      const found = await Promise.all([first, second].map(({ server }) => operate(server, '{ guard { tripped } }')))
      return found.every(({ data }) => data !== null && data !== undefined) ? true : undefined
    })
    await operate(first.server, 'mutation { tripGuard(reason: "wrong figures") { tripped } }')
    await until('it to be told', () => (taken.length > 0 ? true : undefined))
    const [one, other] = await Promise.all([first, second].map(({ server }) => alertOf(server, 'OPEN')))
    expect(one).toEqual(other)
    await operate(second.server, `mutation { acknowledgeAlert(id: "${one?.id}") { state } }`)
    expect(await alertOf(first.server, 'ACKNOWLEDGED')).toMatchObject({ id: one?.id })
    await operate(second.server, 'mutation { resetGuard(reason: "repaired") { tripped } }')
    await alertOf(first.server, 'CLOSED')
    await until('its end to be told', () => taken.find(({ body }) => body.event === 'closed'))
    expect(taken.map(({ key }) => key)).toEqual([`${one?.id}-opened`, `${one?.id}-closed`])
  })
})
