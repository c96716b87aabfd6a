import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identityDigest } from '../../src/domain/identity.ts'
import { EVERYTHING, outsideOf } from '../../src/domain/scope.ts'
import type { TokenQuery, UsageSums } from '../../src/domain/token-query.ts'
import type { IngestEntry, JournaledRecord } from '../../src/ports/journal.ts'
import { recordsOf } from '../../src/writing/journaled-copies.ts'
import type { SubmittedRecord } from '../../src/writing/submission.ts'
import { validateRecord } from '../../src/writing/validate-record.ts'
import { HOURS } from '../support/bucketed.ts'
import { startServer } from '../support/server.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const HOSTILE = ['\0', '\x1b', '\x7f', '\x9b', '\u202e', '\u2066', '\u200f', '\u061c', '\u2028', '\u2029', '\ud800']
/** What cannot be seen: two names that look alike would be two. */
const UNSEEN = ['\u200b', '\u200d', '\u2060', '\ufeff', '\xad', '\u180e', '\u{e0041}']

/** Of whoever sends the records of these tests. */
const DEFAULTS = { caller: 'ann', user: 'ann', key: 'key', outside: outsideOf(EVERYTHING) }
describe('a text that controls how others are shown', () => {
  test('is refused on the way in, whichever field it is in', async () => {
    const server = await startServer(makeFolder())
    const valid = {
      sessionId: 's',
      project: 'p',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: '1', output: '0' },
    }
    const fields = ['project', 'model', 'messageId', 'requestId', 'user', 'host', 'origin.path', 'sessionId']
    const records = [...HOSTILE, ...UNSEEN].flatMap((odd) =>
      fields.map((field) =>
        field === 'origin.path'
          ? { ...valid, origin: { path: `a${odd}b`, offset: '0' } }
          : { ...valid, [field]: `a${odd}b` },
      ),
    )
    const query = `mutation ($input: IngestTokenRecordsInput!) {
      ingestTokenRecords(input: $input) { accepted rejectedCount rejected { index field code message } }
    }`
    const { data } = await server.ask(query, { input: { records } }, ['ingester'])
    const { accepted, rejectedCount, rejected } = data.ingestTokenRecords
    expect([accepted, rejectedCount]).toEqual([0, records.length])
    expect(rejected.map(({ field }: { field: string }) => field)).toEqual([...HOSTILE, ...UNSEEN].flatMap(() => fields))
    for (const { field, code, message } of rejected) {
      expect(code).toBe(field === 'sessionId' ? 'invalid_session_id' : 'invalid_text')
      expect(message).toMatch(/^[ -~]+$/)
    }
    for (const odd of [...HOSTILE, ...UNSEEN]) {
      const { errors } = await server.ask(query, { input: { idempotencyKey: `a${odd}b`, records: [valid] } }, [
        'ingester',
      ])
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'input.idempotencyKey' })
    }
  })

  test('is no user by a token that names its owner so', () => {
    const record = {
      sessionId: 's',
      project: 'p',
      model: 'm',
      occurredAt: 0,
      tokens: { input: 1n, output: 1n },
    }
    for (const odd of [...HOSTILE, ...UNSEEN]) {
      const result = validateRecord(record, 0, { caller: odd, user: odd, key: 'key', outside: outsideOf(EVERYTHING) })
      expect(result).toMatchObject({ mistakes: [{ field: 'user', code: 'invalid_text' }] })
    }
  })

  test('is no name that a filter may have where it is not well-formed; every other one is', async () => {
    const server = await startServer(makeFolder())
    const query = 'query ($filter: TokenFilter) { tokenMetrics(filter: $filter) { recordCount } }'
    for (const list of ['projects', 'models', 'sessionIds', 'users', 'hosts']) {
      const { errors } = await server.ask(query, { filter: { [list]: ['ok', '\ud800'] } })
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_ARGUMENT', argument: `filter.${list}` })
      const odd = HOSTILE.filter((text) => text.isWellFormed())
      expect(await server.ask(query, { filter: { [list]: odd } })).toMatchObject({
        data: { tokenMetrics: { recordCount: '0' } },
      })
    }
  })
})

/** The sides over an empty folder whose journal has these records, all of it shipped. */
async function shipped(records: readonly JournaledRecord[], transcripts: readonly string[] = []) {
  const folder = makeFolder()
  mkdirSync(join(folder, 'projects'))
  if (transcripts.length > 0) writeTranscripts(folder, { 'p/a.jsonl': transcripts })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const entry = { kind: 'ingest', at: 0, records: [...records] } as unknown as IngestEntry
  analysis.addJournaled({ segment: '1-a', to: 1_000_000, records: recordsOf(entry, '1-a', 0) })
  const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
  await sides.ship({ journal: true, transcripts: 'all' })
  const ask = async (source: 'legacy' | 'clickhouse' | 'hybrid', filter: object) => {
    const queries: TokenQuery[] = [{ filter, groupings: [['project'], ['user'], [HOURS]], sessions: true }]
    const [answer] = (await sides[source].answer({ queries, access: EVERYTHING, quality: false })).answers
    const texts = (key: unknown, sums: readonly UsageSums[]) =>
      sums.map((one) => JSON.stringify([key, ...Object.values(one).map(String)]))
    return [
      texts('whole', answer?.whole ?? []),
      ...Object.values(answer?.groups ?? {}).flatMap((groups) =>
        groups.map(({ values, start, usage }) => texts([values, start], usage)),
      ),
    ]
      .flat()
      .sort()
  }
  return { sides, analysis, ask }
}

const journaled = (n: number, more: Partial<JournaledRecord>): JournaledRecord => ({
  identity: identityDigest(`message:${n}`),
  time: 1_775_000_000_000,
  session: 's',
  branch: '',
  project: 'p',
  model: 'm',
  user: 'ann',
  host: 'laptop',
  input: 2 ** n,
  output: 0,
  cacheRead: 0,
  cacheCreation5m: 0,
  cacheCreation1h: 0,
  sidechain: false,
  ...more,
})

describe('a record that a release before let in', () => {
  test('with half of a surrogate pair holds up no other one, and every source counts it under the same name', async () => {
    const odd = 'a\ud800'
    const { sides, analysis, ask } = await shipped([
      journaled(0, {}),
      journaled(1, { user: odd, origin: { path: `${odd}@x:/p`, offset: 5 } }),
      journaled(2, { project: odd, model: odd, host: odd }),
      journaled(3, {}),
    ])
    expect(sides.problems).toEqual([])
    expect(analysis.shipping.unshippedBytes()).toBe(0)
    for (const filter of [
      {},
      { users: ['a\ufffd'] },
      { models: ['a\ufffd'] },
      { hosts: ['a\ufffd'], projects: ['a\ufffd'] },
    ]) {
      const expected = await ask('legacy', filter)
      expect(expected.length).toBeGreaterThan(0)
      expect(await ask('clickhouse', filter)).toEqual(expected)
      expect(await ask('hybrid', filter)).toEqual(expected)
    }
  })
})

/** Any code units, halves of pairs among them. */
const codeUnit = fc.oneof(
  fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
  fc.constantFrom('\ud800', '\udfff', '\0', 'a'),
)
const anyText = fc.string({ unit: codeUnit, maxLength: 12 })
/** As accepted: odd letters of every kind, and what passes for syntax somewhere. */
const acceptedText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom("'", '\\N', '"\\', '{a:String}', '%s'),
)
const TIME = fc.integer({ min: 0, max: Date.parse('2261-12-31T23:59:59.999Z') })
const count = fc.oneof(fc.bigInt(0n, 1_000_000_000_000n), fc.constantFrom(0n, 1_000_000_000_000n))
const submitted = fc.record({
  sessionId: fc.stringMatching(/^[a-zA-Z0-9_-]{1,100}$/),
  project: acceptedText,
  model: acceptedText,
  occurredAt: fc.oneof(TIME, fc.constantFrom(0, Date.parse('2261-12-31T23:59:59.999Z'))),
  tokens: fc.record({ input: count, output: count, cacheRead: count, cacheCreation: count }),
  messageId: fc.option(acceptedText, { nil: null }),
  user: fc.option(acceptedText, { nil: null }),
  host: fc.option(acceptedText, { nil: null }),
  sidechain: fc.boolean(),
  origin: fc.option(
    fc.record({ path: fc.string({ unit: 'grapheme', maxLength: 1000 }), offset: fc.bigInt(0n, 2n ** 53n - 1n) }),
  ),
})
const oddJournaled = fc.record({ model: anyText, project: anyText, user: anyText, host: anyText, time: TIME })

test('whatever is accepted, by the rules of now or of then, or counted in a transcript, reaches ClickHouse as it is counted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(submitted, { minLength: 20, maxLength: 60 }),
      fc.array(oddJournaled, { minLength: 20, maxLength: 60 }),
      fc.array(fc.record({ model: anyText, time: TIME }), { minLength: 20, maxLength: 60 }),
      async (records, old, transcript) => {
        const accepted = records.flatMap((record, i) => {
          const result = validateRecord(record satisfies SubmittedRecord, i, DEFAULTS)
          return 'record' in result ? [result.record] : []
        })
        expect(accepted.length).toBeGreaterThan(0)
        const before = old.map((more, i) => journaled(i % 40, { ...more, identity: identityDigest(`old:${i}`) }))
        const lines = transcript.map(({ model, time }, i) =>
          line({ id: `msg_t${i}`, model, time: new Date(time).toISOString() }),
        )
        const { sides, analysis, ask } = await shipped([...accepted, ...before], lines)
        expect(sides.problems).toEqual([])
        expect(analysis.shipping.unshippedBytes()).toBe(0)
        expect((await sides.verify(true)).verification).toMatchObject({ difference: '0', damagedBatches: [] })
        const expected = await ask('legacy', {})
        expect(await ask('clickhouse', {})).toEqual(expected)
        expect(await ask('hybrid', {})).toEqual(expected)
      },
    ),
    { numRuns: 5, endOnFailure: true },
  )
})
