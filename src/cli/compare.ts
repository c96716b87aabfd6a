import { count } from '../domain/counted.ts'
import { type RemoteOptions, request } from './client.ts'
import { CompareSourcesDocument, type CompareSourcesQuery, MismatchesDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'

type Comparison = CompareSourcesQuery['compareSources']

/** Mismatches whose questions are asked once more, where none are named. */
const LATEST = 20

/** `token-bridge source compare`: exit code 1 where both do not say the same, or cannot be compared. */
export async function compareSources(ids: readonly string[], options: RemoteOptions): Promise<void> {
  const compared: Comparison[] = []
  const lines: string[] = []
  for (const mismatch of ids.length > 0 ? ids : [null, ...(await differingLately(options))]) {
    const { compareSources: one } = await request(CompareSourcesDocument, { mismatch }, options)
    compared.push(one)
    lines.push(...described(one, mismatch === null ? 'the whole history' : one.question))
  }
  if (!compared.every(({ agreed }) => agreed === true)) process.exitCode = 1
  if (options.json) return void printJson(compared)
  printLines(lines)
}

/** The latest mismatch of each question. */
async function differingLately(options: RemoteOptions): Promise<string[]> {
  const { mismatches } = await request(MismatchesDocument, { first: LATEST, after: null }, options)
  const byQuestion = Map.groupBy(mismatches.edges, ({ node }) => node.question)
  return [...byQuestion.values()].flatMap(([first]) => first?.node.id ?? [])
}

const described = ({ leavesArchived, differences, ...compared }: Comparison, asked: string): string[] => [
  `${asked}: ${verdict(compared)}${leavesArchived ? ', archived records left out' : ''}`,
  ...differences.map(
    ({ field, control, candidate }) => `  ${field}: ${control} in the files, ${candidate} in ClickHouse`,
  ),
]

function verdict({ agreed, discarded, records }: Pick<Comparison, 'agreed' | 'discarded' | 'records'>): string {
  if (agreed === null) return `not compared (${discarded})`
  return `${agreed ? 'the same' : 'differs'}, of ${count(Number(records), 'record')}`
}
