import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { type LogIdentity, logIdentity } from '../../domain/log-name.ts'
import { eachOwnText, OWN_TEXTS, type OwnText } from '../../domain/record-fields.ts'
import { TOKEN_COUNTS } from '../../domain/token-counts.ts'
import { type Formatted, formatOf } from '../../transcripts/format-of.ts'
import type { Root } from '../../transcripts/roots.ts'
import { createDictionary, type Dictionary } from './dictionary.ts'
import type { FileUpdate, FileUpdateHeader, RecordColumns } from './file-update.ts'
import { FreeRows } from './free-rows.ts'
import { IdentityBuckets } from './identity-buckets.ts'
import { createKnownFile, detach, type KnownFile, NONE, noteRead } from './known-file.ts'
import { Origins } from './origins.ts'
import { Columns, LIVE, SIDECHAIN, TAIL, WINS } from './record-columns.ts'
import { isBetter } from './row-ranks.ts'
import { type Snapshot, Snapshots } from './snapshots.ts'
import { Winners } from './winners.ts'

const WORDS = IDENTITY_BYTES / 4

/** What the table must know of a root. */
export interface KnownRoot extends Pick<Root, 'user' | 'host' | 'isLabelled'>, Formatted {
  /** Counted from 1 among roots with the same owner. */
  number?: number
}

const UNOWNED: KnownRoot = { user: 'unknown', host: 'unknown' }

/**
 * All winners of all files in memory, merged: one row for each (file, identity), and of a segment of the journal for each
 * (file, identity, user). One of an identity has the flag WINS and counts (`winners.ts`). Files can be added, grown and
 * taken out again.
 */
export class RecordTable {
  readonly columns = new Columns()
  readonly texts: Record<OwnText, Dictionary> = eachOwnText(createDictionary)
  readonly origins = new Origins()
  /** By file id; `undefined` where a file was forgotten. */
  readonly files: (KnownFile | undefined)[] = []
  /** Rows in use. */
  rows = 0
  /** Times that a log got another name. */
  namings = 0
  readonly #byKey = new Map<string, KnownFile>()
  readonly #byLog = new Map<string, KnownFile>()
  readonly #rootOf: (root: string) => KnownRoot
  readonly identities = new IdentityBuckets(this.columns)
  readonly #freeRows = new FreeRows(this.columns)
  readonly #snapshots = new Snapshots(this.columns, this.#freeRows)
  readonly #winners = new Winners(this, this.identities)

  constructor(rootOf: (root: string) => KnownRoot = () => UNOWNED) {
    this.#rootOf = rootOf
  }

  /** Rows that count: the number of identities. */
  get winners(): number {
    return this.#winners.count
  }

  /** Rows that do not count and conflict with the one that does. */
  get conflicting(): ReadonlySet<number> {
    return this.#winners.conflicting
  }

  /** The rows of this moment, for work that is interrupted. To be closed. */
  snapshot(): Snapshot {
    return this.#snapshots.open()
  }

  file(key: string): KnownFile | undefined {
    return this.#byKey.get(key)
  }

  /** The log with this name, on this disk. */
  readonly fileOfLog = (key: string): KnownFile | undefined => this.#byLog.get(key)

  rootOf(file: KnownFile): KnownRoot {
    return this.#rootOf(file.root)
  }

  /** All logs that are no segments of the journal. */
  *transcripts(): Iterable<KnownFile> {
    for (const file of this.#byKey.values()) if (!file.byMutation) yield file
  }

  knownFiles(): Iterable<KnownFile> {
    return this.#byKey.values()
  }

  /** Merges what reading a byte range of a file gave. Throws where the range does not follow on what is known. */
  apply(update: FileUpdate): void {
    const { header, records } = update
    this.#snapshots.beforeChange()
    const file = this.#fileFor(header)
    if (file.publishedTo > file.counted) {
      file.suspect = true
      detach(file)
    }
    if (header.from === 0) this.#removeRows(file, 0)
    else if (header.from === file.counted) this.#removeRows(file, TAIL)
    else throw new Error(`${header.path} was counted up to byte ${file.counted}, not ${header.from}`)
    noteRead(file, header)
    this.#insert(file, header, records)
  }

  /** Of what was just merged into a segment of the journal: records that conflict with those that count. */
  conflictsOf({ header, records }: FileUpdate): number {
    const file = this.#byKey.get(header.key)
    if (file === undefined || header.origins === undefined) return 0
    const origins = header.origins.map((origin) => this.origins.add(origin))
    const words = new Uint32Array(records.identity.buffer, records.identity.byteOffset, records.length * WORDS)
    let conflicts = 0
    for (let i = 0; i < records.length; i++) {
      const own = this.#findOwn(file, words, i * WORDS, origins[records.origin?.[i] as number] as number)
      if (own !== NONE && this.#winners.conflicts(own)) conflicts++
    }
    return conflicts
  }

  /** Takes a file out: its records count no more, except where another file has a copy. */
  forget(key: string): void {
    const file = this.#byKey.get(key)
    if (file === undefined) return
    this.#snapshots.beforeChange()
    this.#removeRows(file, 0)
    this.#byKey.delete(key)
    if (this.#byLog.get(file.log.key) === file) this.#byLog.delete(file.log.key)
    this.files[file.id] = undefined
  }

  /** The same log at another path. The rank of its copies, and their project, may change. */
  rename(key: string, path: string, root: string, relativePath: string): void {
    const file = this.#byKey.get(key)
    if (file === undefined || file.path === path) return
    detach(file)
    this.#locate(file, path, root, relativePath)
  }

  /** Calls a log as it is registered: under this path, which says its project. */
  call(file: KnownFile, log: LogIdentity, relativePath: string): void {
    this.#describe(file, log, relativePath)
    this.#byLog.set(log.key, file)
  }

  #describe(file: KnownFile, log: LogIdentity, relativePath: string): void {
    // nobody has the name that it had, whether it has one of its own now or not
    if (this.#byLog.get(file.log.key) === file) this.#byLog.delete(file.log.key)
    file.log = log
    const { project } = formatOf(this.rootOf(file)).nameLog(relativePath)
    const origin = this.origins.add({ project, user: log.user, host: log.host, path: log.path })
    if (origin === file.origin) return
    file.origin = origin
    this.namings++
    file.version++
    this.#rankAnew(file)
  }

  #rankAnew(file: KnownFile): void {
    this.#snapshots.beforeChange()
    const rows = [...this.rowsOf(file)]
    this.#reserve(rows.length)
    for (const row of rows) {
      this.#snapshots.beforeWriting(row)
      this.columns.origin[row] = file.origin
    }
    for (const row of this.rowsOf(file)) this.#winners.elect(row)
  }

  /** The rows of a log, in no order. Nothing may be added or removed meanwhile. */
  *rowsOf(file: KnownFile): Iterable<number> {
    for (let row = file.firstRow; row !== NONE; row = this.columns.fileNext[row] as number) yield row
  }

  /** The row that counts for the identity of `row`. */
  winnerOf(row: number): number {
    return this.#winners.of(row)
  }

  #fileFor(header: FileUpdateHeader): KnownFile {
    const known = this.#byKey.get(header.key)
    if (known !== undefined) {
      this.rename(header.key, header.path, header.root, header.relativePath)
      return known
    }
    const file = createKnownFile(this.files.length, header)
    this.files.push(file)
    this.#byKey.set(file.key, file)
    this.#locate(file, header.path, header.root, header.relativePath)
    return file
  }

  #locate(file: KnownFile, path: string, root: string, relativePath: string): void {
    file.path = path
    file.root = root
    file.relativePath = relativePath
    const known = this.rootOf(file)
    const keepsName = file.byMutation || file.isRegistered
    const log = keepsName ? file.log : logIdentity(known, relativePath, known.number ?? 1)
    const owner = this.#byLog.get(log.key)
    // whoever is called so already stays so: this one is called otherwise when it is attached
    if (owner === undefined || owner === file) this.call(file, log, relativePath)
    else this.#describe(file, log, relativePath)
  }

  #insert(file: KnownFile, header: FileUpdateHeader, records: RecordColumns): void {
    const texts = OWN_TEXTS.map((field) => ({
      from: records[field],
      numbers: header.texts[field].map((text) => this.texts[field].add(text)),
      field,
    }))
    const origins = header.origins?.map((origin) => this.origins.add(origin))
    const bodyLength = records.length - header.tail.records
    // words may start at any 8-byte boundary of the update
    const words = new Uint32Array(records.identity.buffer, records.identity.byteOffset, records.length * WORDS)
    const c = this.columns
    this.#reserve(records.length)
    const counts = TOKEN_COUNTS.map((field) => records[field])
    this.identities.reserve(this.rows + records.length)
    for (let i = 0; i < records.length; i++) {
      const inTail = i >= bodyLength
      const origin = origins === undefined ? file.origin : (origins[records.origin?.[i] as number] as number)
      if (origins !== undefined) file.copiesByOrigin.set(origin, (file.copiesByOrigin.get(origin) ?? 0) + 1)
      const own = inTail ? NONE : this.#findOwn(file, words, i * WORDS, origin)
      if (own !== NONE && !isBetter(this, records, i, origin, own)) continue
      if (own !== NONE) this.#snapshots.beforeWriting(own)
      const row = own === NONE ? this.#allocate(file, words, i * WORDS) : own
      // a user's first copy says since when it is theirs, also where a later one counts
      if (own === NONE && records.stamp !== undefined) c.setStamp(row, records.stamp[i] as number)
      c.time[row] = records.time[i] as number
      c.offset[row] = records.offset[i] as number
      c.rankOffset[row] = (records.rankOffset ?? records.offset)[i] as number
      c.origin[row] = origin
      counts.forEach((values, n) => {
        ;(c.countList[n] as Float64Array)[row] = values[i] as number
      })
      c.noteTier(row)
      for (const { from, numbers, field } of texts) c.texts[field][row] = numbers[from[i] as number] as number
      const kept = (c.flags[row] as number) & (LIVE | WINS)
      c.flags[row] = kept | LIVE | (records.sidechain[i] === 1 ? SIDECHAIN : 0) | (inTail ? TAIL : 0)
      this.#winners.elect(row)
    }
  }

  /** Room for so many more rows, and for what they had before where somebody still reads it. */
  #reserve(rows: number): void {
    this.columns.reserve(this.columns.length + (this.#snapshots.areOpen ? 2 : 1) * rows)
  }

  /** The row of this file that has this identity, in a segment for this origin's user; not counting those of a tail. */
  #findOwn({ id, byMutation }: KnownFile, words: Uint32Array, at: number, origin: number): number {
    const c = this.columns
    const isUsers = (row: number): boolean => !byMutation || this.origins.haveSameUser(c.origin[row] as number, origin)
    for (let row = this.identities.head(words, at); row !== NONE; row = c.bucketNext[row] as number) {
      if (c.file[row] !== id || !c.hasIdentity(row, words, at) || ((c.flags[row] as number) & TAIL) !== 0) continue
      if (isUsers(row)) return row
    }
    return NONE
  }

  #allocate(file: KnownFile, words: Uint32Array, at: number): number {
    const c = this.columns
    const row = this.#freeRows.take()
    c.identity.set(words.subarray(at, at + WORDS), row * WORDS)
    c.file[row] = file.id
    c.flags[row] = LIVE
    c.fileNext[row] = file.firstRow
    file.firstRow = row
    this.identities.add(row)
    this.rows++
    return row
  }

  /** Removes the rows of a file that have all of `flags`. */
  #removeRows(file: KnownFile, flags: number): void {
    const c = this.columns
    let kept = NONE
    for (let row = file.firstRow; row !== NONE; ) {
      const next = c.fileNext[row] as number
      if (((c.flags[row] as number) & flags) === flags) this.#release(row)
      else {
        c.fileNext[row] = kept
        kept = row
      }
      row = next
    }
    file.firstRow = kept
  }

  #release(row: number): void {
    const c = this.columns
    this.identities.remove(row)
    this.#winners.release(row)
    // of the record, which a snapshot may still read
    c.flags[row] = (c.flags[row] as number) & SIDECHAIN
    this.#snapshots.free(row)
    this.rows--
  }
}
