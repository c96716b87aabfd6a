import { eachOwnText } from '../domain/record-fields.ts'
import { eachCount } from '../domain/token-counts.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { RecordBatch, RefusedRows } from '../ports/record-store.ts'

/** Statements that one search may take; the next one goes on where it ended. */
const MAX_STATEMENTS = 500

type Write = (batches: readonly RecordBatch[]) => Promise<void>

/** Records of one line: they are set aside together. */
interface Line {
  batch: RecordBatch
  records: RecordCopy[]
}

export interface Search {
  /** Positions of the lines that the database refuses, each shown by itself, by log. */
  refused: Map<string, number[]>
  /** Records, from the first on and without those, that it took: behind them begins what was not looked at. */
  accepted: number
}

/** Whether the database refuses what was to be written, now and whenever it comes again. */
export const isRefusal = (error: unknown): boolean => (error as Partial<RefusedRows>).refusesRows === true

/**
 * Looks for the records that the database refuses, by halving, from the first on, as far as it gets. What it writes
 * carries the numbers of the batches, which must never be published. Throws where even a record of nothing is refused:
 * then it is not what is in the records.
 */
export async function searchRefused(batches: readonly RecordBatch[], write: Write): Promise<Search> {
  const lines = batches.flatMap(linesOf)
  const refused = new Map<string, number[]>()
  const accepted: Line[] = []
  const [first] = lines
  if (first === undefined) return { refused, accepted: 0 }
  await write([{ ...first.batch, records: [NOTHING] }])
  let statements = 0

  const isRefused = async (some: readonly Line[]): Promise<boolean> => {
    statements++
    try {
      await write(some.map(({ batch, records }) => ({ ...batch, records })))
      return false
    } catch (error) {
      if (!isRefusal(error)) throw error
      return true
    }
  }
  const search = async (some: readonly Line[]): Promise<void> => {
    if (statements >= MAX_STATEMENTS) return
    if (!(await isRefused(some))) return void accepted.push(...some)
    const [line] = some as [Line]
    if (some.length === 1) {
      const { log } = line.batch
      refused.set(log, [...(refused.get(log) ?? []), positionOf(line)])
      return
    }
    const half = some.length >> 1
    await search(some.slice(0, half))
    await search(some.slice(half))
  }
  await search(lines)

  // the records of one line may be in two batches: they are set aside together
  const left = accepted.filter((line) => refused.get(line.batch.log)?.includes(positionOf(line)) !== true)
  return { refused, accepted: left.reduce((sum, { records }) => sum + records.length, 0) }
}

const positionOf = ({ records }: Line): number => (records[0] as RecordCopy).position

function linesOf(batch: RecordBatch): Line[] {
  const byPosition = Map.groupBy(batch.records, ({ position }) => position)
  return [...byPosition.values()].map((records) => ({ batch, records }))
}

/** The plainest record that there can be. */
const NOTHING: RecordCopy = {
  identity: '0'.repeat(32),
  time: 0,
  ...eachOwnText(() => 'x'),
  project: 'x',
  user: 'x',
  host: 'x',
  path: 'x',
  ...eachCount(() => 0),
  sidechain: false,
  byMutation: false,
  stamp: 0,
  position: 0,
  offset: 0,
}
