import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { constrainedFlagsFile, flagsFile, forRole } from '../support/flags.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { history, migrate, untilSource, WITH_DATABASE } from '../support/small-history.ts'
import { openSocket, subscribe, type TestSocket } from '../support/small-subscriptions.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const FIGURES =
  'tokens { total } recordCount sessionCount costUsd byModel { model tokens { total } } provenance { source reason stale asOf cache }'
const LIVE = `subscription ($filter: TokenFilter) { tokenMetricsUpdated(filter: $filter) { ${FIGURES} } }`
const QUERY = `query ($filter: TokenFilter) { tokenMetrics(filter: $filter) { ${FIGURES} } }`

interface Value {
  recordCount: string
  provenance: { source: string; reason: string; asOf?: string; cache?: string }
}

/** The values of one subscription so far, and how it ended. */
function told({ messages }: TestSocket, id: string) {
  const mine = messages.filter((message) => message.id === id)
  const payloads = mine.filter(({ type }) => type === 'next').map(({ payload }) => payload as { data?: unknown })
  return {
    values: payloads.flatMap(({ data }) => (data as { tokenMetricsUpdated?: Value })?.tokenMetricsUpdated ?? []),
    payloads,
    error: mine.find(({ type }) => type === 'error')?.payload as { extensions: { code: string } }[] | undefined,
    isOver: mine.some(({ type }) => type === 'complete'),
  }
}

const untilTold = (socket: TestSocket, id: string, records: number) =>
  until(`${records} records`, () => told(socket, id).values.find(({ recordCount }) => Number(recordCount) === records))

const lasting = ({ provenance: { asOf: _, cache: __, ...provenance }, ...value }: Value) => ({ ...value, provenance })

async function scene(settings: Record<string, string> = {}) {
  const folder = makeFolder()
  writeTranscripts(folder, {
    'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2' })],
    'q/b.jsonl': [line({ id: 'msg_3', session: 'b' })],
  })
  const server = await startServer(folder, { RESCAN_INTERVAL_MS: '200', ...settings })
  let next = 100
  const write = (project: string, count = 1): void => {
    const path = join(folder, 'projects', project, `${project}-more.jsonl`)
    mkdirSync(join(path, '..'), { recursive: true })
    const lines = Array.from({ length: count }, () => line({ id: `msg_${next++}`, session: `${project}-more` }))
    appendFileSync(path, lines.map((one) => `${one}\n`).join(''))
  }
  return { folder, server, write }
}

const open = async (server: TestServer, ...token: Parameters<TestServer['token']>) =>
  openSocket(server.url, await server.token(...token))

describe('live figures', () => {
  test('are what the query answers, at once and after each change, and nothing else', async () => {
    const { server, write } = await scene()
    const socket = await open(server, ['viewer'], 'ann')
    socket.send(subscribe('all', LIVE))
    socket.send(subscribe('q', LIVE, { filter: { projects: ['q'] } }))
    await untilTold(socket, 'all', 3)
    await untilTold(socket, 'q', 1)
    write('p')
    const changed = await untilTold(socket, 'all', 4)
    const { data } = await server.ask(QUERY, {}, ['viewer'], { user: 'ann' })
    expect(lasting(changed)).toEqual(lasting(data.tokenMetrics))
    write('q')
    await untilTold(socket, 'all', 5)
    await untilTold(socket, 'q', 2)
    // of what did not touch its answer the second one was told nothing
    expect(told(socket, 'q').values.map(({ recordCount }) => recordCount)).toEqual(['1', '2'])
    expect(told(socket, 'all').values.map(({ recordCount }) => recordCount)).toEqual(['3', '4', '5'])
    socket.send({ id: 'all', type: 'complete' })
    write('q')
    await untilTold(socket, 'q', 3)
    expect(told(socket, 'all').values).toHaveLength(3)
  })

  test('are told once a second at most, however much changes, and the last one is the latest', async () => {
    const { server, write } = await scene()
    const socket = await open(server, ['viewer'], 'ann')
    socket.send(subscribe('all', LIVE))
    await untilTold(socket, 'all', 3)
    const times: number[] = []
    socket.socket.on('message', () => times.push(performance.now()))
    for (let i = 0; i < 30; i++) {
      write('p')
      await server.ask('{ tokenMetrics { recordCount } }')
    }
    await untilTold(socket, 'all', 33)
    for (const [i, time] of times.entries()) if (i > 0) expect(time - (times[i - 1] as number)).toBeGreaterThan(700)
    expect(times.length).toBeLessThan(30)
  })

  test('are of what the token may see: what others do is told nobody else', async () => {
    const { server, write } = await scene()
    const socket = await open(server, ['viewer'], 'ann', [{ projects: ['q'] }])
    socket.send(subscribe('mine', LIVE))
    await untilTold(socket, 'mine', 1)
    write('p', 5)
    const everything = await open(server, ['viewer'], 'bob')
    everything.send(subscribe('all', LIVE))
    await untilTold(everything, 'all', 8)
    write('q')
    await untilTold(socket, 'mine', 2)
    expect(told(socket, 'mine').values).toHaveLength(2)
  })

  test('follow the decision: the user’s preference, and the guard, are told when they count', async () => {
    const server = await startServer(history(), WITH_DATABASE)
    await migrate(server)
    await untilSource(server, 'CLICKHOUSE')
    const socket = await open(server, ['viewer', 'operator'], 'ann')
    socket.send(
      subscribe('s', 'subscription { tokenMetricsUpdated { tokens { total } provenance { source reason } } }'),
    )
    const decided = (reason: string) =>
      until(reason, () => told(socket, 's').values.find(({ provenance }) => provenance.reason === reason))
    const first = await decided('ROLLOUT')
    const change = async (mutation: string) =>
      expect((await server.ask(mutation, {}, ['viewer', 'operator'], { user: 'ann' })).errors).toBeUndefined()
    await change('mutation { setSourcePreference(preference: LEGACY) { preference } }')
    expect((await decided('USER_PREFERENCE')).provenance.source).toBe('LEGACY')
    await change('mutation { tripGuard(reason: "a drill") { tripped } }')
    expect(await decided('GUARD_TRIPPED')).toEqual({
      ...first,
      provenance: { source: 'LEGACY', reason: 'GUARD_TRIPPED' },
    })
  })

  test('are refused while the flag is off, and end with it, with the reason', async () => {
    const path = flagsFile()
    const { server } = await scene({ FLAGS_FILE: path })
    const socket = await open(server, ['viewer'], 'ann')
    socket.send(subscribe('open', LIVE))
    await untilTold(socket, 'open', 3)
    flagsFile({ real_time_updates_enabled: false }, path)
    const error = await until('its end', () => told(socket, 'open').error)
    expect(error).toMatchObject([
      { message: expect.stringContaining('real_time_updates_enabled'), extensions: { code: 'FORBIDDEN' } },
    ])
    socket.send(subscribe('late', LIVE))
    await until('the refusal', () => told(socket, 'late').isOver || undefined)
    expect(told(socket, 'late').payloads).toMatchObject([{ errors: [{ extensions: { code: 'FORBIDDEN' } }] }])
    constrainedFlagsFile('real_time_updates_enabled', [forRole('operator')], path)
    const staff = await open(server, ['viewer', 'operator'], 'ann')
    let tries = 0
    await until('it to be on for operators', async () => {
      const id = `try-${++tries}`
      staff.send(subscribe(id, LIVE))
      const { values } = await until('an answer', () =>
        told(staff, id).payloads.length > 0 ? told(staff, id) : undefined,
      )
      return values[0]
    })
    socket.send(subscribe('viewer', LIVE))
    await until('the refusal', () => told(socket, 'viewer').isOver || undefined)
    expect(told(socket, 'viewer').values).toEqual([])
  })

  test('say at once what is wrong with the question', async () => {
    const { server } = await scene()
    const socket = await open(server, ['viewer'], 'ann')
    const filter = { from: '2026-04-02T00:00:00Z', to: '2026-04-01T00:00:00Z' }
    socket.send(subscribe('s', LIVE, { filter }))
    await until('the end', () => told(socket, 's').isOver || undefined)
    expect(told(socket, 's').payloads).toMatchObject([
      { errors: [{ extensions: { code: 'INVALID_ARGUMENT', argument: 'filter.from' } }] },
    ])
  })

  test('end when the token is revoked, within a second, with 4401', async () => {
    const { server } = await scene()
    const socket = await open(server, ['viewer'], 'ann')
    socket.send(subscribe('s', LIVE))
    await untilTold(socket, 's', 3)
    const revoke = 'mutation { revokeAccess(userId: "ann", reason: "left") }'
    const { errors } = await server.ask(revoke, {}, ['operator'], { user: 'bob' })
    expect(errors).toBeUndefined()
    const began = performance.now()
    expect(await socket.closed).toMatchObject({ code: 4401 })
    expect(performance.now() - began).toBeLessThan(1000)
  })

  test('have what another instance with the same journal has acknowledged', async () => {
    const folder = makeFolder()
    const start = (name: string) =>
      startServer(folder, {
        DATA_DIR: join(folder, name),
        JOURNAL_DIR: join(folder, 'journal'),
        JOURNAL_KEY: Buffer.alloc(32, 7).toString('base64'),
        AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
      })
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const [first, second] = [await start('first'), await start('second')]
    const socket = await open(second, ['viewer'], 'ann')
    socket.send(subscribe('s', LIVE))
    await untilTold(socket, 's', 1)
    const record = `{ sessionId: "x", project: "p", model: "m", occurredAt: "2026-04-02T00:00:00Z", tokens: { input: 1, output: 2 } }`
    const ingest = `mutation { ingestTokenRecords(input: { records: [${record}] }) { accepted } }`
    expect((await first.ask(ingest, {}, ['ingester'])).data.ingestTokenRecords.accepted).toBe(1)
    await untilTold(socket, 's', 2)
  })
})
