import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

describe('texts that are odd', () => {
  test.each([
    ['a lone surrogate', 'm\ud800x'],
    ['a pair of surrogates', 'm😀x'],
    ['control characters', 'm\u0000\u0001\u001f\tx\r\ny'],
    ['line separators', 'm\u2028\u2029x'],
    ['quotes and backslashes', `m'"\\\\N\\n\`{a:String}--x`],
    ['a name that is very long', 'm'.repeat(100_000)],
  ])('are shipped, read back and counted the same: %s', async (_what, model) => {
    const folder = makeFolder()
    const project = model.replaceAll(/[\0/\ud800-\udfff]/g, '').slice(0, 80)
    writeTranscripts(folder, {
      [`${project}/a.jsonl`]: [line({ id: 'msg_1', model }), line({ id: 'msg_2', model: 'other' })],
    })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
    await sides.ship({ journal: true, transcripts: 'all' })
    expect(sides.problems).toEqual([])
    const ask = async (source: 'legacy' | 'clickhouse' | 'hybrid') => {
      const { answers } = await sides[source].answer({
        queries: [{ filter: {}, groupings: [['project']], sessions: true }],
        access: EVERYTHING,
        quality: false,
      })
      const { whole, groups } = answers[0] ?? {}
      return [whole?.map((sums) => sums.model).sort(), groups?.project?.map(({ values }) => values[0])]
    }
    const expected = await ask('legacy')
    expect(await ask('clickhouse')).toEqual(expected)
    expect(await ask('hybrid')).toEqual(expected)
  })
})
