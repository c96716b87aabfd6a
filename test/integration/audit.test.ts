import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { verifyAudit } from '../../src/audit/verify.ts'
import { post } from '../support/graphql-client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const KEY = Buffer.alloc(32, 5)
const CANARY = 'canary-of-a-secret-or-of-content'

const auditOf = ({ folder }: TestServer): string => join(folder, 'data', 'audit')
const entriesOf = (server: TestServer): Record<string, unknown>[] =>
  readdirSync(auditOf(server))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(join(auditOf(server), name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const whenNoted = (server: TestServer, entry: Record<string, unknown>) =>
  until(JSON.stringify(entry), () => {
    const found = entriesOf(server).find((one) => Object.entries(entry).every(([name, value]) => one[name] === value))
    return found
  })
const open = (settings: Record<string, string> = {}) =>
  startServer(makeFolder(), { AUDIT_KEY: KEY.toString('hex'), ...settings })

const record = {
  sessionId: 's1',
  project: CANARY,
  model: 'm',
  occurredAt: '2026-04-02T00:00:00Z',
  tokens: { input: 1, output: 1 },
}
const INGEST = 'mutation Bring($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }'

describe('the audit log of a server', () => {
  test('has each change before it is answered, with who, from where, and what came of it, and no content', async () => {
    const server = await open()
    await server.ask(INGEST, { input: { records: [record, { ...record, sessionId: '?' }] } }, ['ingester'], {
      user: 'ida',
    })
    const found = (action: string) => entriesOf(server).filter((one) => one.action === `mutation ${action}`)
    const who = { who: 'ida', from: '127.0.0.1', outcome: 'ok', request: expect.any(String) }
    expect(found('ingestTokenRecords')).toMatchObject([{ ...who, detail: 'accepted=1 rejected=1 replayed=false' }])
    const made = await server.ask(
      'mutation { createMachineToken(input: { userId: "laptop", roles: ["viewer"], note: "n" }) { token machineToken { id } } }',
      {},
      ['operator'],
      { user: 'olga' },
    )
    const { token, machineToken } = made.data.createMachineToken
    expect(found('createMachineToken')).toMatchObject([
      { who: 'olga', detail: `id=${machineToken.id} userId=laptop roles=viewer ttl=7776000s access=everything` },
    ])
    await server.ask(`mutation { revokeAccess(tokenId: "${machineToken.id}", reason: "lost") }`, {}, ['operator'])
    expect(found('revokeAccess')).toMatchObject([{ detail: `reason=lost tokenId=${machineToken.id}` }])
    await server.ask('mutation { startMigration { id } }', {}, ['operator'])
    expect(found('startMigration')).toMatchObject([{ outcome: 'SOURCE_UNAVAILABLE' }])
    const text = JSON.stringify(entriesOf(server))
    for (const secret of [CANARY, token, KEY.toString('hex')]) expect(text).not.toContain(secret)
    await server.close()
    expect(verifyAudit(auditOf(server), KEY).problem).toBeUndefined()
  })

  test('has no text that could be taken for another argument', async () => {
    const server = await open()
    const by = (query: string) => server.ask(`mutation { ${query} }`, {}, ['operator'], { user: 'olga' })
    await by('revokeAccess(userId: "eve", reason: "left tokenId=1")')
    const name = 'eve roles=viewer'
    await by(`createMachineToken(input: { userId: "${name}", roles: ["operator"] }) { token }`)
    const details = entriesOf(server).flatMap(({ action, detail }) =>
      /^mutation/.test(String(action)) ? [detail] : [],
    )
    expect(details).toEqual([
      'reason="left tokenId=1" userId=eve',
      expect.stringMatching(/^id=\S+ userId="eve roles=viewer" roles=operator ttl=\d+s access=everything$/),
    ])
  })

  test('has reads as one entry a caller, operation and second, with their number', async () => {
    const server = await open()
    const days = 'query Days { viewer { userId } }'
    for (let i = 0; i < 20; i++) await server.ask(days)
    const read = { who: 'ann', action: 'query Days', outcome: 'ok' }
    await until('all reads', () => {
      const entries = entriesOf(server).filter((one) => one.action === read.action)
      expect(entries.length).toBeLessThan(20)
      return entries.reduce((sum, { count = 1 }) => sum + Number(count), 0) === 20 || undefined
    })
    await server.ask('{ viewer { userId } }', {}, ['viewer'], { user: 'bob' })
    const { action } = await until('a question without a name', () =>
      entriesOf(server).find(({ who, action }) => who === 'bob' && action !== 'token used'),
    )
    expect(action).toMatch(/^query #[0-9a-f]{12}$/)
  })

  test('has logins, and whoever was denied', async () => {
    const server = await open()
    expect((await fetch(server.app.signInUrl as string)).status).toBe(200)
    expect((await fetch(server.app.signInUrl as string)).status).toBe(403)
    await post(server.url, 'x.y.z', { query: '{ viewer { userId } }' })
    await post(server.url, 'x.y.z', { query: '{ viewer { userId } }' })
    await server.ask('query Tokens { machineTokens { id } }', {}, ['viewer'], { user: 'eve' })
    await server.ask('mutation { startMigration { id } }', {}, ['viewer'], { user: 'eve' })
    await server.ask('{ viewer { userId } }', {}, ['scraper'], { user: 'sam' })
    await fetch(`${server.url}/metrics`, {
      headers: { authorization: `Bearer ${await server.token(['viewer'], 'vic')}` },
    })
    const others = [{ ...record, user: 'ida' }, { ...record }]
    await server.ask(INGEST, { input: { records: others } }, ['ingester'], {
      user: 'ivo',
      access: [{ users: ['ivo'] }],
    })
    const page = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, { origin: 'http://elsewhere.example' })
    await new Promise((resolve) => page.on('error', resolve))
    const from = '127.0.0.1'
    for (const entry of [
      { action: 'sign-in', outcome: 'ok', from },
      { action: 'sign-in', outcome: 'FORBIDDEN', from },
      { action: 'request', outcome: 'UNAUTHENTICATED', from },
      { who: 'eve', action: 'token used', outcome: 'ok', from },
      { who: 'eve', action: 'query Tokens', outcome: 'FORBIDDEN', from },
      { who: 'eve', action: 'mutation startMigration', outcome: 'FORBIDDEN', from },
      { who: 'sam', action: 'request', outcome: 'FORBIDDEN', from },
      { who: 'vic', action: '/metrics', outcome: 'FORBIDDEN', from },
      { who: 'ivo', action: 'mutation ingestTokenRecords', outcome: 'OUT_OF_SCOPE', from },
      { who: 'ivo', action: 'mutation ingestTokenRecords', outcome: 'ok', from },
      { action: 'socket', outcome: 'FORBIDDEN', from },
    ])
      await whenNoted(server, entry)
  })

  test('has changes of the flags', async () => {
    const folder = makeFolder()
    const FLAGS_FILE = join(folder, 'flags.json')
    const flags = JSON.parse(readFileSync('flags/default.json', 'utf8'))
    writeFileSync(FLAGS_FILE, JSON.stringify(flags))
    const server = await startServer(folder, { FLAGS_FILE })
    const [first] = flags.features
    first.enabled = !first.enabled
    writeFileSync(FLAGS_FILE, JSON.stringify(flags))
    await whenNoted(server, { action: 'flags', detail: `${first.name}: ${first.enabled ? 'off → on' : 'on → off'}` })
  })

  test('raises an alarm where a caller fails too often: in the log, in health, as a figure, and as an entry', async () => {
    const server = await open({ ALARM_FAILURES_PER_MINUTE: '5' })
    for (let i = 0; i < 12; i++)
      await server.ask('query Tokens { machineTokens { id } }', {}, ['viewer'], { user: 'eve' })
    await whenNoted(server, { who: 'eve', action: 'alarm', detail: 'more than 5 failures a minute' })
    expect(server.log()).toMatch(/"alarm":"unusual access","who":"eve"/)
    const { data } = await server.ask('{ health { components { name state detail } } }', {}, ['operator'])
    const audit = data.health.components.find(({ name }: { name: string }) => name === 'audit')
    expect(audit).toMatchObject({
      state: 'DEGRADED',
      detail: expect.stringContaining('unusual: eve: more than 5 failures a minute'),
    })
    const authorization = `Bearer ${await server.token(['scraper'])}`
    const metrics = await (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text()
    expect(metrics).toMatch(/token_bridge_unusual_access_alarms_total\{measure="failures"\} [12]/)
    expect(metrics).toMatch(/token_bridge_audit_writable 1/)
  })

  test('that cannot be written keeps changes away, not reads, and health says so', async () => {
    const server = await open()
    const folder = auditOf(server)
    renameSync(folder, `${folder}.away`)
    const choose = () => server.ask('mutation { setSourcePreference(preference: LEGACY) { preference } }')
    await choose()
    expect((await choose()).errors?.[0]?.extensions).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true })
    const { data } = await server.ask('{ viewer { userId } health { components { name state } } }')
    expect(data.viewer.userId).toBe('ann')
    expect(data.health.components).toContainEqual({ name: 'audit', state: 'DOWN' })
    renameSync(`${folder}.away`, folder)
    await until('changes to be taken again', async () => (await choose()).errors === undefined || undefined)
  })
})
