import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { formatEdition } from '../../domain/log-name.ts'
import { eachOwnText, LABEL_FIELDS, type LabelField, OWN_TEXTS } from '../../domain/record-fields.ts'
import { rowChecksum } from '../../domain/row-checksum.ts'
import { eachCount, TOKEN_COUNTS } from '../../domain/token-counts.ts'
import type { Work } from '../../domain/work.ts'
import type { GroupedRow, LogDay, RowGroup } from '../../ports/logs.ts'
import type { KnownFile } from '../table/known-file.ts'
import { LIVE, SIDECHAIN, WINS } from '../table/record-columns.ts'
import type { RecordTable } from '../table/record-table.ts'

const DAY_MS = 86_400_000

/** Rows that count, but for those in `left` (by row) and those with an identity in `without`. */
function* countedRows(table: RecordTable, left: Uint8Array, without: Uint8Array): Iterable<number> {
  const { columns: c } = table
  const excluded = identitiesIn(without)
  for (let row = 0; row < c.length; row++) {
    const counts = LIVE | WINS
    if (((c.flags[row] as number) & counts) !== counts || left[row] === 1) continue
    if (excluded.size > 0 && excluded.has(identityOf(table, row).toString('latin1'))) continue
    yield row
  }
}

/** Rows between two places where the work may be interrupted. */
const STEP = 1024

/** The counted rows of all logs, in groups. */
export function* groupsOfRows(table: RecordTable, left: Uint8Array, without: Uint8Array): Work<RowGroup[]> {
  const { columns: c } = table
  const groups = new Map<string, RowGroup>()
  let seen = 0
  for (const row of countedRows(table, left, without)) {
    if (seen++ % STEP === 0) yield
    const file = table.files[c.file[row] as number] as KnownFile
    const day = Math.floor((c.time[row] as number) / DAY_MS)
    const texts = OWN_TEXTS.map((field) => c.texts[field][row]).join(' ')
    const key = `${c.file[row]} ${day} ${texts} ${c.origin[row]} ${isSidechain(table, row)}`
    let group = groups.get(key)
    if (group === undefined) {
      group = {
        ...labelsOf(table, row),
        ...eachCount(() => 0n),
        log: formatEdition({ key: file.log.key, edition: file.edition }),
        day,
        records: 0,
        checksum: 0,
      }
      groups.set(key, group)
    }
    group.records++
    for (const field of TOKEN_COUNTS) group[field] += BigInt(c.counts[field][row] as number)
    group.checksum = (group.checksum + checksumOf(table, row)) >>> 0
  }
  return [...groups.values()]
}

/** The counted rows of one log on one day. */
export function rowsOfLogDay(table: RecordTable, of: LogDay, left: Uint8Array, without: Uint8Array): GroupedRow[] {
  const { columns: c } = table
  const file = table.fileOfLog(of.key)
  if (file === undefined) return []
  const rows: GroupedRow[] = []
  for (const row of countedRows(table, left, without)) {
    if (c.file[row] !== file.id || Math.floor((c.time[row] as number) / DAY_MS) !== of.day) continue
    const labels = labelsOf(table, row)
    rows.push({
      identity: identityOf(table, row).toString('hex'),
      position: c.offset[row] as number,
      tokens: c.total(row),
      content: [checksumOf(table, row), ...LABEL_FIELDS.map((field) => labels[field])].join('\t'),
    })
  }
  return rows
}

function labelsOf(table: RecordTable, row: number): Record<LabelField, string> {
  const { columns: c } = table
  const { project, user, host, path } = table.origins.at(c.origin[row] as number)
  return {
    project,
    ...eachOwnText((field) => table.texts[field].texts[c.texts[field][row] as number] as string),
    user,
    host,
    sidechain: String(isSidechain(table, row)),
    path,
  }
}

const isSidechain = ({ columns }: RecordTable, row: number): boolean =>
  ((columns.flags[row] as number) & SIDECHAIN) !== 0

function checksumOf(table: RecordTable, row: number): number {
  const { columns: c } = table
  const bytes = identityOf(table, row)
  return rowChecksum([bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12)], {
    position: c.offset[row] as number,
    time: c.time[row] as number,
    ...c.countsOf(row),
    offset: c.rankOffset[row] as number,
  })
}

function identityOf(table: RecordTable, row: number): Buffer {
  return Buffer.from(table.columns.identity.buffer, row * IDENTITY_BYTES, IDENTITY_BYTES)
}

function identitiesIn(bytes: Uint8Array): Set<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const set = new Set<string>()
  for (let at = 0; at < buffer.length; at += IDENTITY_BYTES) set.add(buffer.toString('latin1', at, at + IDENTITY_BYTES))
  return set
}
