import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { UsageSums } from '../../src/domain/token-query.ts'
import { countLine, type LineContext } from '../../src/transcripts/claude-code/counting.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, makeFolder, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const json = String.raw
const long = 'a'.repeat(199)
/** What `gitBranch` may be in a line, as it stands there. */
const VALUES = [
  ...['5', '-0', '1e400', 'null', 'true', '{}', '[]', '["main"]', '{"gitBranch":"inner"}', '""', '" "', '"main"'],
  ...[json`"ma\u0069n"`, json`"\ud83d"`, json`"\ude00\ud83d"`, json`"\ud83d\ude00"`, json`"\u0000"`, json`"\/"`],
  ...[`"${long}😀"`, `"${long}a"`, `"${long}aa"`, json`"${long}\ud83d\ude00"`, json`"${long}\ud83d"`],
  ...[`"${'é'.repeat(250)}"`, `"${json`\ud83d`.repeat(300)}"`, `"${'x'.repeat(3_000_000)}"`],
  ...[json`"a\nb\tc\rd\\e'f\"g"`, json`"\u202e\u2066"`, '"\u202ex"', '"\u007f"', json`"\\N"`, json`"\\0"`],
  ...[`"'; DROP TABLE x; --"`, '"{a:String}"', '"%s"', '"NULL"'],
]

/** A line whose own members are `own`, and those of its message `message`. */
const withMembers = (id: string, own: string, message = ''): string =>
  `{"type":"assistant","sessionId":"s","timestamp":"2026-04-02T09:15:03.120Z"${own},"message":{"id":"${id}","model":"m",` +
  `"content":[{"type":"text","text":"\\"gitBranch\\":\\"text\\""}],"usage":{"input_tokens":1,"output_tokens":1}${message}}}`

const linesWith = (value: string, i: number): string[] => [
  withMembers(`msg_${i}a`, `,"gitBranch":${value}`),
  withMembers(`msg_${i}b`, `,"gitBranch":"first","gitBranch":${value}`),
  withMembers(`msg_${i}c`, `,"gitBranch":${value},"gitBranch":"last"`),
  withMembers(`msg_${i}d`, json`,"git\u0042ranch":${value}`),
  withMembers(`msg_${i}e`, `,"x":{"gitBranch":${value}}`),
  withMembers(`msg_${i}f`, '', `,"gitBranch":${value}`),
  withMembers(`msg_${i}g`, `,"gitbranch":${value},"gitBranch ":${value}`),
  `${withMembers(`msg_${i}h`, '').slice(0, -1)},"gitBranch" : ${value}}`,
]

/** Records by branch, by the rules alone. */
function countedBranches(lines: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {}
  const context = { naming: { stem: 'a', pathSession: undefined }, offset: 0, lineHash: () => '' } as LineContext
  for (const line of lines)
    countLine(JSON.parse(line), context, {
      copy({ branch }) {
        counted[branch] = (counted[branch] ?? 0) + 1
      },
      refuse: (reason) => expect.unreachable(reason),
    })
  return counted
}

test('whatever stands as a branch in a line, where and how often, every source counts as the rules say', async () => {
  const folder = makeFolder()
  const lines = VALUES.flatMap(linesWith)
  const counted = countedBranches(lines)
  writeTranscripts(folder, { 'p/a.jsonl': lines })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
  await sides.ship({ journal: true, transcripts: 'all' })
  expect(sides.problems).toEqual([])
  const records = (usage: readonly UsageSums[]) => usage.reduce((sum, one) => sum + Number(one.records), 0)
  const names = Object.keys(counted)
  for (const source of ['legacy', 'clickhouse', 'hybrid'] as const) {
    const queries = [
      { filter: {}, groupings: [['branch' as const]] },
      ...names.map((name) => ({ filter: { branches: [name] }, groupings: [] })),
    ]
    const [all, ...each] = (await sides[source].answer({ queries, access: EVERYTHING, quality: false })).answers
    const told = all?.groups.branch?.map(({ values, usage }) => [values[0], records(usage)])
    expect(Object.fromEntries(told ?? [])).toEqual(counted)
    expect(Object.fromEntries(each.map(({ whole }, i) => [names[i], records(whole)]))).toEqual(counted)
  }
})
