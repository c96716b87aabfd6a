import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { TokenFilter } from '../../src/domain/token-query.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

/** What could break a parameter's text, alone and together with anything else. */
const oddPart = fc.oneof(
  fc.constantFrom(
    '\0',
    '\t',
    '\n',
    '\r',
    '\b',
    '\x1b',
    "'",
    '"',
    '\\',
    '\\N',
    '\\0',
    '\\x41',
    '%',
    '{a:String}',
    '\u2028',
  ),
  fc.constantFrom('\x7f', '\x85', '\u202e', '\ufffd', '\ufeff', ',', '[', ']', ')', '--', '/*', '&', '=', '+', ' '),
  fc.string({ unit: 'binary', maxLength: 3 }),
)
const oddName = fc
  .array(oddPart, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('').toWellFormed())
  .filter((name) => name !== '')
const oddNames = fc.uniqueArray(oddName, { minLength: 30, maxLength: 60 })

describe('a filter by an odd name', () => {
  test('selects from ClickHouse and from both what it selects from the files', async () => {
    await fc.assert(
      fc.asyncProperty(oddNames, async (names) => {
        const folder = makeFolder()
        const lines = names.map((model, i) =>
          line({ id: `msg_${i}`, model, usage: { input_tokens: 2 ** i % 1_000_003 } }),
        )
        writeTranscripts(folder, { 'p/a.jsonl': lines })
        const analysis = analysisOf(folder)
        await analysis.refresh()
        const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
        await sides.ship({ journal: true, transcripts: 'all' })
        expect(sides.problems).toEqual([])
        const filters: TokenFilter[] = names.map((name) => ({ models: [name] }))
        filters.push({ models: names }, { projects: names }, { users: names, hosts: ['laptop'] })
        const ask = async (source: 'legacy' | 'clickhouse' | 'hybrid') => {
          const queries = filters.map((filter) => ({ filter, groupings: [] }))
          const { answers } = await sides[source].answer({ queries, access: EVERYTHING, quality: false })
          return answers.map(({ whole }) => whole.map(({ model, input }) => [model, input]).sort())
        }
        const expected = await ask('legacy')
        expect(expected.filter((found) => found.length === 1)).toHaveLength(names.length)
        expect(await ask('clickhouse')).toEqual(expected)
        expect(await ask('hybrid')).toEqual(expected)
      }),
      { numRuns: 4, endOnFailure: true },
    )
  })
})
