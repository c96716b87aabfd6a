// The way of a history from the files into ClickHouse, and back.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateCorpus } from '../../corpus/generate.ts'
import { count } from '../../src/domain/counted.ts'
import type { RunningUnleash } from '../../test/support/unleash.ts'
import { recount } from '../recount.ts'
import { differences, type Expected, nothing, plant, plantRecord } from './planted.ts'
import { indented, metricsOf, type Recording, type Server } from './recording.ts'
import { until } from './waiting.ts'

interface Scene extends Recording {
  expected: Expected
  server: Server
}

export async function recordMigration(recording: Recording, unleash: RunningUnleash): Promise<void> {
  const expected = nothing()
  await plantOwn(recording, expected)
  const { folder, say, start } = recording
  const settings = {
    TRANSCRIPTS_DIR: `ann@laptop=${join(folder, 'own', 'projects')}`,
    // hybrid answers are to be seen from the first verified tokens on
    MIGRATION_PROGRESS_THRESHOLD: '0.01',
  }
  const scene: Scene = { ...recording, expected, server: await start(unleash, settings) }
  try {
    say(`the server answers at ${scene.server.url}`)
    await migrate(scene)
    await grow(scene)
    await useKillSwitch(scene, unleash)
    await scene.server.end('SIGKILL')
    scene.server = await start(unleash, settings)
    await scene.expectFrom(scene.server, 'CLICKHOUSE', expected, 'killed and started again')
    await undo(scene)
  } finally {
    await scene.server.end('SIGTERM')
  }
}

async function plantOwn({ folder, say, check, run }: Recording, expected: Expected): Promise<void> {
  const own = generateCorpus({ files: 40, megabytes: 384, seed: 11, out: join(folder, 'own') })
  plant(expected, own)
  say(
    `planted ${own.files} transcripts of ${Math.round(own.bytes / 1e6)} MB: ${count(own.tokens.total, 'token')}, each once`,
  )

  const analysed = JSON.parse(await run(['analyze', '--transcripts', join(folder, 'own', 'projects'), '--json'])) as {
    tokens: Record<string, string>
  }
  check('analyze counts what was planted', analysed.tokens.total === own.tokens.total, analysed.tokens.total)

  const counted = await recount(join(folder, 'own'))
  check('a second count, that shares no code with the first, agrees', counted.tokens.total === own.tokens.total)
}

async function migrate({ say, check, run, expectFrom, server, expected }: Scene): Promise<void> {
  await expectFrom(server, 'LEGACY', expected, 'before the migration')

  say(`dry run: ${indented(await run(['migrate', 'start', '--dry-run']))}`)
  await run(['migrate', 'start', '--no-wait'])
  const seen = new Map<string, number>()
  let wrong = 0
  await until(
    'an answer from ClickHouse',
    async () => {
      const metrics = await metricsOf(server)
      const { source } = metrics.provenance
      seen.set(source, (seen.get(source) ?? 0) + 1)
      if (differences(metrics, expected).length > 0) wrong++
      return metrics.provenance
    },
    ({ source }) => source === 'CLICKHOUSE',
  )
  const sources = [...seen].map(([source, times]) => `${times} from ${source}`).join(', ')
  check(`during the migration every answer is the planted one: ${sources}`, wrong === 0, `${wrong} are not`)
  check('hybrid answers were among them', (seen.get('HYBRID') ?? 0) > 0)
  say(indented(await run(['migrate', 'status', '--wait'])))
  await expectFrom(server, 'CLICKHOUSE', expected, 'after the migration')
}

/** Records by a mutation, from another machine, and from an agent. */
async function grow({ folder, run, expectFrom, server, expected }: Scene): Promise<void> {
  const records = Array.from({ length: 2500 }, (_, i) => {
    const record = { model: 'claude-sonnet-4-5', project: 'ingested', session: `ingested-${i % 7}` }
    plantRecord(expected, BigInt(i), record)
    const { session, ...rest } = record
    return JSON.stringify({
      ...rest,
      sessionId: session,
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: i, output: 0 },
    })
  })
  writeFileSync(join(folder, 'records.jsonl'), records.join('\n'))
  for (const time of ['once', 'twice']) {
    await run(['ingest', join(folder, 'records.jsonl')])
    await expectFrom(server, 'CLICKHOUSE', expected, `2,500 records sent ${time}`)
  }

  const other = generateCorpus({ files: 6, megabytes: 12, seed: 12, out: join(folder, 'other') })
  plant(expected, other)
  const pushing = ['push', '--server', server.url, '--token', server.token, '--once']
  for (const time of ['once', 'twice']) {
    await run(pushing, {
      TRANSCRIPTS_DIR: `bob@tower=${join(folder, 'other', 'projects')}`,
      DATA_DIR: join(folder, 'laptop'),
    })
    await expectFrom(
      server,
      'CLICKHOUSE',
      expected,
      `${count(other.recordCount, 'record')} pushed from a second folder ${time}`,
    )
  }

  const growing = join(folder, 'own', 'projects', 'recorded')
  const line = (id: string, tokens: number): string =>
    `${JSON.stringify({ sessionId: 'recorded', timestamp: '2026-04-02T09:15:03Z', message: { id, model: 'm', usage: { input_tokens: tokens, output_tokens: 0 } } })}\n`
  mkdirSync(growing)
  for (let i = 0; i < 5; i++) {
    appendFileSync(join(growing, 'session.jsonl'), line(`msg_recorded_${i}`, 1000 + i))
    plantRecord(expected, BigInt(1000 + i), { model: 'm', project: 'recorded', session: 'recorded' })
  }
  await expectFrom(server, 'CLICKHOUSE', expected, 'five lines written by an agent')
}

async function useKillSwitch({ say, expectFrom, server, expected }: Scene, unleash: RunningUnleash): Promise<void> {
  await unleash.toggle('database_bridge_enabled', false)
  const toggled = performance.now()
  await expectFrom(server, 'LEGACY', expected, 'the kill switch is off in Unleash')
  say(
    `everybody is on legacy ${Math.round(performance.now() - toggled)} ms after the toggle (the bridge asks Unleash every second, as it does by itself)`,
  )
  await unleash.toggle('database_bridge_enabled', true)
  await expectFrom(server, 'CLICKHOUSE', expected, 'the kill switch is on again')
}

/** Everything verified, copied, taken out, carried again and brought back. */
async function undo({ say, check, run, expectFrom, server, expected }: Scene): Promise<void> {
  say(indented(await run(['migrate', 'verify'])))
  say((await run(['migrate', 'backup', 'drill', '--all'])).trim().split('\n')[0] as string)
  const rolling = performance.now()
  const rolledBack = run(['migrate', 'rollback'])
  await expectFrom(server, 'LEGACY', expected, 'rolled back')
  say(`everybody is on the files ${Math.round(performance.now() - rolling)} ms after the command was begun`)
  check('the rollback is whole', (await rolledBack).includes('ROLLED_BACK'))
  await run(['migrate', 'start'])
  await expectFrom(server, 'CLICKHOUSE', expected, 'migrated again')
  const restored = (await run(['migrate', 'restore', 'drill'])).trim()
  await expectFrom(server, 'CLICKHOUSE', expected, `the backup brought back, which changes nothing (${restored})`)
  check('and is verified', (await run(['migrate', 'verify'])).includes('COMPLETED'))
}
