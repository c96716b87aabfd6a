import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVERYTHING, outsideOf } from '../../../src/domain/scope.ts'
import type { SubmittedRecord } from '../../../src/writing/submission.ts'
import { validateRecord } from '../../../src/writing/validate-record.ts'
import { misshape, ODD_TEXTS, runs } from '../../support/mutations.ts'
import { startServer } from '../../support/server.ts'
import { makeFolder } from '../../support/transcripts.ts'

const text = fc.oneof(fc.string({ maxLength: 250 }), fc.constantFrom(...ODD_TEXTS, 'é', '日本', 'a b'))
const maybe = <T>(value: fc.Arbitrary<T>) => fc.oneof(value, fc.constant(null), fc.constant(undefined))
const count = fc.oneof(
  fc.bigInt(-2n, 10n ** 12n + 2n),
  fc.constantFrom(-1n, 0n, 10n ** 12n, 10n ** 12n + 1n, 2n ** 64n),
)
const usually = <T>(value: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other })
const submitted = fc.record({
  sessionId: usually('s-1', text),
  project: usually('p', text),
  model: usually('m', text),
  occurredAt: fc.oneof(fc.nat(), fc.constant({ unreadable: 'must be a moment' })),
  tokens: fc.record({
    input: usually(1n, count),
    output: usually(2n, count),
    cacheCreation: usually<bigint | null | undefined>(9n, maybe(count)),
    cacheCreation1h: usually<bigint | null | undefined>(3n, maybe(count)),
    cacheRead: usually<bigint | null | undefined>(4n, maybe(count)),
  }),
  messageId: usually<string | null | undefined>('msg_1', maybe(text)),
  requestId: usually<string | null | undefined>(null, maybe(text)),
  user: usually<string | null | undefined>('bob', maybe(text)),
  host: usually<string | null | undefined>(undefined, maybe(text)),
  branch: usually<string | null | undefined>('main', maybe(text)),
  identity: usually<string | null | undefined>(null, maybe(fc.oneof(text, fc.constant('0123456789abcdef'.repeat(2))))),
  sidechain: maybe(fc.boolean()),
}) as fc.Arbitrary<SubmittedRecord>

// The rules of the domain once more, from their text. Of texts that occur here, control characters, halves of pairs and
// what is not seen are all in Unicode's category C.
const isText = (value: string | null | undefined): boolean => !value || (value.length <= 200 && !/\p{C}/u.test(value))
const isCount = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'bigint' && value >= 0n && value <= 10n ** 12n)

function isValid(record: SubmittedRecord): boolean {
  const { input, output, cacheCreation, cacheCreation1h, cacheRead } = record.tokens as Record<string, bigint | null>
  const texts = [
    record.project,
    record.model,
    record.messageId,
    record.requestId,
    record.user,
    record.host,
    record.branch,
  ]
  return (
    /^[\w-]{1,100}$/.test(record.sessionId) &&
    record.project !== '' &&
    typeof record.occurredAt === 'number' &&
    texts.every(isText) &&
    [input, output, cacheCreation, cacheCreation1h, cacheRead].every(isCount) &&
    (cacheCreation1h ?? 0n) <= (cacheCreation ?? 0n) &&
    (!record.identity || /^[0-9a-f]{32}$/.test(record.identity))
  )
}

describe('a record of any content', () => {
  test('is accepted if the rules of the domain accept it, and then as it was sent', () => {
    let accepted = 0
    fc.assert(
      fc.property(submitted, (record) => {
        const defaults = { caller: 'ann', user: 'ann', key: 'k', outside: outsideOf(EVERYTHING) }
        const result = validateRecord(record, 7, defaults)
        expect(
          'record' in result,
          JSON.stringify(record, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)),
        ).toBe(isValid(record))
        if (!('record' in result)) {
          for (const { index, field, message } of result.mistakes) {
            expect([index, typeof field]).toEqual([7, 'string'])
            expect(message).toMatch(/^[ -~]+$/)
          }
          return
        }
        accepted++
        const { tokens } = record as { tokens: Record<string, bigint | null> }
        expect(result.record).toMatchObject({
          identity: expect.stringMatching(/^[0-9a-f]{32}$/),
          time: record.occurredAt,
          session: record.sessionId,
          project: record.project,
          model: record.model || 'unknown',
          user: record.user || 'ann',
          host: record.host || 'unknown',
          branch: record.branch ?? '',
          sidechain: record.sidechain ?? false,
          input: Number(tokens.input),
          output: Number(tokens.output),
          cacheRead: Number(tokens.cacheRead ?? 0n),
          cacheCreation5m: Number((tokens.cacheCreation ?? 0n) - (tokens.cacheCreation1h ?? 0n)),
          cacheCreation1h: Number(tokens.cacheCreation1h ?? 0n),
        })
      }),
      runs(1500),
    )
    expect(accepted).toBeGreaterThan(0)
  })

  test('and of any shape is accepted whole, told by its mistakes, or refused as GraphQL does', async () => {
    const server = await startServer(makeFolder(), { RATE_RECORDS_PER_MINUTE: '0', RATE_COST_PER_MINUTE: '0' })
    const record = {
      ...{ sessionId: 's', project: 'p', model: 'm', occurredAt: '2026-04-02T09:15:03Z', user: 'bob', branch: 'main' },
      tokens: { input: '1', output: 2, cacheCreation: '3', cacheCreation1h: '2' },
      origin: { path: 'p/a.jsonl', offset: '7' },
      sidechain: false,
    }
    const valid = {
      input: {
        records: [
          { ...record, messageId: 'msg_1' },
          { ...record, messageId: 'msg_2' },
        ],
      },
    }
    let answered = 0
    await fc.assert(
      fc.asyncProperty(misshape, async (change) => {
        const variables = change(valid) as typeof valid
        const { data, errors } = await server.ask(INGEST, variables as never, ['ingester'])
        if (errors !== undefined) {
          for (const { extensions } of errors)
            expect(['BAD_USER_INPUT', 'INVALID_ARGUMENT', 'BAD_REQUEST']).toContain(extensions.code)
          return
        }
        answered++
        const { accepted, rejectedCount } = data.ingestTokenRecords
        // one that stands alone is a list of one
        expect(accepted + rejectedCount).toBe([variables.input.records].flat().length)
      }),
      runs(150),
    )
    expect(answered).toBeGreaterThan(0)
  })
})

const INGEST = `mutation ($input: IngestTokenRecordsInput!) {
  ingestTokenRecords(input: $input) { accepted rejectedCount rejected { index field code message } } }`
