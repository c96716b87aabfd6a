// What an answer and the health say where ClickHouse cannot be reached, or is lost, and the files are not all there.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../src/domain/scope.ts'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
const OPERATOR = ['viewer', 'operator', 'ingester'] as const
/** Nobody listens there. */
const AWAY = { CLICKHOUSE_URL: 'http://127.0.0.1:9' }
/** Of the scene's transcripts, of the one that is pruned, and of what came by mutation. */
const KEPT = 80
const PRUNED = 20
const INGESTED = 100

const state = async (
  { server }: Pick<Scene, 'server'>,
  { preference = 'AUTO', access }: { preference?: string; access?: readonly Scope[] } = {},
) => {
  const { data, errors } = await server.ask(
    `{ tokenMetrics(preference: ${preference}) { tokens { total } quality { missingRecords archivedTokens }
       provenance { source reason stale sample } } health { components { name state detail } } }`,
    {},
    OPERATOR,
    access === undefined ? {} : { access },
  )
  if (errors !== undefined) throw Object.assign(new Error(errors[0]?.message), errors[0])
  const { tokens, quality, provenance } = data.tokenMetrics
  const clickhouse = data.health.components.find(({ name }: { name: string }) => name === 'clickhouse')
  return {
    total: Number(tokens.total),
    missing: Number(quality.missingRecords),
    archived: Number(quality.archivedTokens),
    ...provenance,
    clickhouse,
  }
}

const prune = ({ path }: Scene): void => rmSync(path('q/gone.jsonl'))

/** All in ClickHouse and on disk. */
async function carried(folder: string, settings: Record<string, string> = {}): Promise<Scene> {
  const made = await scene({ folder, settings })
  const lines = Array.from({ length: 10 }, (_, i) => `${line({ id: `msg_gone_${i}`, session: 'gone' })}\n`)
  writeFileSync(made.path('q/gone.jsonl'), lines.join(''))
  await made.answered('LEGACY', KEPT + PRUNED)
  await made.migrate()
  const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: ${INGESTED}, output: 0 } }`
  await made.operate(`ingestTokenRecords(input: { records: [${record}] }) { accepted }`)
  await made.answered('CLICKHOUSE', KEPT + PRUNED + INGESTED)
  return made
}

describe('transcripts that were verified in ClickHouse and pruned', () => {
  test('while it cannot be reached from the start on: an answer of the files says what it lacks, and is stale', async () => {
    const folder = makeFolder()
    const made = await carried(folder)
    prune(made)
    await made.server.close()
    const { database } = made
    const away = await scene({ folder, write: false, database, settings: AWAY })
    const lower = { source: 'LEGACY', reason: 'SOURCE_UNAVAILABLE', total: KEPT + INGESTED, missing: 0 }
    expect(await state(away)).toMatchObject({ ...lower, archived: PRUNED, stale: true })
    // of what somebody else has, whoever sees a part is told nothing
    const ofOthers = [{ projects: ['p'] }]
    expect(await state(away, { access: ofOthers })).toMatchObject({ archived: 0 })
    expect(await state(away, { access: [{ projects: ['q'] }] })).toMatchObject({ archived: PRUNED })
    await away.server.close()
    const back = await scene({ folder, write: false, database })
    await back.answered('CLICKHOUSE', KEPT + PRUNED + INGESTED)
    // there the rest is, so the files are right for themselves (rule 10)
    expect(await state(back, { preference: 'LEGACY' })).toMatchObject({
      source: 'LEGACY',
      total: KEPT + INGESTED,
      archived: PRUNED,
      stale: false,
    })
  })

  test('while it is away for a time: the answers say so until it is back', async () => {
    const folder = makeFolder()
    const direct = await carried(folder)
    await direct.server.close()
    const proxy = await startProxy(String(direct.clickhouseUrl))
    const made = await scene({
      folder,
      write: false,
      database: direct.database,
      settings: { CLICKHOUSE_URL: proxy.url },
    })
    await made.answered('CLICKHOUSE', KEPT + PRUNED + INGESTED)
    await proxy.cut()
    prune(made)
    const lower = await until('the files without it', async () => {
      const told = await state(made)
      return told.total === KEPT + INGESTED ? told : undefined
    })
    expect(lower).toMatchObject({ source: 'LEGACY', archived: PRUNED, stale: true, missing: 0 })
  })

  test('all of them, while it cannot be reached from the start on: no sample stands in for them', async () => {
    const folder = makeFolder()
    const made = await carried(folder)
    await made.server.close()
    renameSync(join(folder, 'projects'), join(folder, 'elsewhere'))
    rmSync(join(folder, 'data', 'journal'), { recursive: true })
    rmSync(join(folder, 'data', 'journal-heads'))
    const away = await scene({ folder, write: false, database: made.database, settings: AWAY })
    await expect(state(away)).rejects.toMatchObject({ extensions: { code: 'SOURCE_UNAVAILABLE' } })
  })
})

describe('a ClickHouse that is lost', () => {
  test('cannot be read, and is told so; what only it had is missing', async () => {
    const folder = makeFolder()
    const made = await carried(folder)
    prune(made)
    await made.answered('CLICKHOUSE', KEPT + PRUNED + INGESTED)
    await made.server.close()
    await made.harm(`DROP DATABASE ${made.database} SYNC`)
    const again = await scene({ folder, write: false, database: made.database })
    const lost = await state(again)
    expect(lost).toMatchObject({
      source: 'LEGACY',
      reason: 'SOURCE_UNAVAILABLE',
      total: KEPT + INGESTED,
      archived: PRUNED,
      missing: 10,
      stale: true,
      clickhouse: { state: 'DEGRADED' },
    })
    expect(lost.clickhouse.detail).toMatch(/was written for another database/)
    await until('health to say how much', async () => {
      const { detail } = (await state(again)).clickhouse
      return /53 records of 5 logs .* not in it; 10 of them .* nowhere/.test(detail) ? true : undefined
    })
  })

  test('is told so where the files still have everything, whose answer lacks nothing', async () => {
    const folder = makeFolder()
    const made = await carried(folder)
    await made.server.close()
    await made.harm(`DROP DATABASE ${made.database} SYNC`)
    const again = await scene({ folder, write: false, database: made.database })
    expect(await state(again)).toMatchObject({
      reason: 'SOURCE_UNAVAILABLE',
      total: KEPT + PRUNED + INGESTED,
      archived: 0,
      missing: 0,
      stale: false,
      clickhouse: { state: 'DEGRADED', detail: expect.stringMatching(/53 records of 5 logs .* not in it/) },
    })
  })
})
