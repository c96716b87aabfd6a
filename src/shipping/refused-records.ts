import type { RecordCopy } from '../domain/token-record.ts'
import type { RecordBatch } from '../ports/record-store.ts'

/** Statements that one search may take; what is left then is taken as refused: set aside it is still counted. */
const MAX_STATEMENTS = 500

type Write = (batches: readonly RecordBatch[]) => Promise<void>

/** Records of one line: they are set aside together. */
interface Line {
  batch: RecordBatch
  records: RecordCopy[]
}

/** Whether the database refuses what was to be written, now and whenever it comes again. */
export const isRefusal = (error: unknown): boolean => (error as { retryable?: unknown }).retryable === false

/**
 * Finds the records that the database refuses, by halving; gives the positions of their lines by log. What it writes
 * carries the numbers of the batches, which must never be published. Throws where even a record of nothing is refused:
 * then it is not what is in the records.
 */
export async function refusedPositions(batches: readonly RecordBatch[], write: Write): Promise<Map<string, number[]>> {
  const lines = batches.flatMap(linesOf)
  const [first] = lines
  if (first === undefined) return new Map()
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
  const search = async (some: readonly Line[]): Promise<readonly Line[]> => {
    if (statements >= MAX_STATEMENTS) return some
    if (!(await isRefused(some))) return []
    if (some.length === 1) return some
    const half = some.length >> 1
    return [...(await search(some.slice(0, half))), ...(await search(some.slice(half)))]
  }

  const found = new Map<string, number[]>()
  for (const { batch, records } of await search(lines)) {
    const { position } = records[0] as RecordCopy
    found.set(batch.log, [...(found.get(batch.log) ?? []), position])
  }
  return found
}

function linesOf(batch: RecordBatch): Line[] {
  const byPosition = Map.groupBy(batch.records, ({ position }) => position)
  return [...byPosition.values()].map((records) => ({ batch, records }))
}

/** The plainest record that there can be. */
const NOTHING: RecordCopy = {
  identity: '0'.repeat(32),
  time: 0,
  session: 'x',
  project: 'x',
  model: 'x',
  user: 'x',
  host: 'x',
  path: 'x',
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheCreation5m: 0,
  cacheCreation1h: 0,
  sidechain: false,
  byMutation: false,
  position: 0,
  offset: 0,
}
