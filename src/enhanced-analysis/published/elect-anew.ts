import { parseLogName } from '../../domain/log-name.ts'
import { elect, type Judged } from '../../domain/rank.ts'
import { totalOf } from '../../domain/token-counts.ts'
import type { PlacedCopy, RecordCopy } from '../../domain/token-record.ts'
import { journalUpdate } from '../table/journal-update.ts'
import type { KnownFile } from '../table/known-file.ts'
import { WINS } from '../table/record-columns.ts'
import { RecordTable } from '../table/record-table.ts'
import { copyOf } from './log-ranges.ts'

/** What is answered in place of some winners of a table. */
export interface Replacement {
  /** The copies that count: one of each identity. */
  counted: RecordTable
  /** The winners on disk, which do not count. */
  leftOut: RecordTable
}

/** A copy, and the key of its log. */
type Keyed = RecordCopy & { key: string }

const BY_RULE_8: Judged<Keyed> = {
  rankOf: (copy) => ({ ...copy, total: totalOf(copy) }),
  claimOf: ({ stamp, key, user, position }) => ({ stamp, segment: key, user, position }),
}

/**
 * Elects anew, over the copies on disk and those of `beyond`, each identity whose winner on disk is 1 in `rows`. Where
 * another copy counts, the winner on disk is taken out of `rows`. `undefined`: that is so nowhere.
 */
export function electAnew(
  table: RecordTable,
  rows: Uint8Array,
  beyond: readonly PlacedCopy[],
): Replacement | undefined {
  const counted: RecordCopy[] = []
  const leftOut: RecordCopy[] = []
  for (const [identity, copies] of Map.groupBy(beyond, (copy) => copy.identity)) {
    const { flags } = table.columns
    const onDisk = [...table.identities.rowsWith(wordsOf(identity))]
    const winner = onDisk.find((row) => ((flags[row] as number) & WINS) !== 0)
    if (winner === undefined || rows[winner] !== 1) continue
    const own = new Map(onDisk.map((row) => [row, copyOnDisk(table, row)]))
    // of equal copies the one on disk
    const elected = elect([...own.values(), ...copies.map(withKey)], BY_RULE_8)
    const ofDisk = own.get(winner) as Keyed
    if (elected === ofDisk) continue
    rows[winner] = 0
    counted.push(elected)
    leftOut.push(ofDisk)
  }
  return counted.length === 0 ? undefined : { counted: tableOf(counted), leftOut: tableOf(leftOut) }
}

function wordsOf(identity: string): Uint32Array {
  const bytes = Uint8Array.from(Buffer.from(identity, 'hex'))
  return new Uint32Array(bytes.buffer)
}

function copyOnDisk(table: RecordTable, row: number): Keyed {
  const file = table.files[table.columns.file[row] as number] as KnownFile
  return { ...copyOf(table, file, row), key: file.log.key }
}

/** A log is the same one in whichever edition, and whichever ledger shipped it. */
const withKey = ({ log, ...copy }: PlacedCopy): Keyed => ({ ...copy, key: parseLogName(log)?.key ?? log })

/** Each of them counts there. */
function tableOf(copies: RecordCopy[]): RecordTable {
  const table = new RecordTable()
  table.apply(journalUpdate({ segment: 'elected', to: 1, records: copies }, 0))
  return table
}
