import { IDENTITY_BYTES } from '../domain/identity.ts'
import { outranks, type Rank } from '../domain/rank.ts'
import { eachOwnText, OWN_TEXTS, type OwnText } from '../domain/record-fields.ts'
import { TOKEN_COUNTS } from '../domain/token-counts.ts'
import { createDictionary, type Dictionary } from './dictionary.ts'
import type { FileUpdate, FileUpdateHeader, RecordColumns, RefusedByReason } from './file-update.ts'
import { nameLog } from './log-naming.ts'
import { Origins } from './origins.ts'
import { Columns, LIVE, SIDECHAIN, TAIL, WINS } from './record-columns.ts'

const WORDS = IDENTITY_BYTES / 4
const NONE = -1

/** Who wrote the transcripts of a root. */
export interface RootOwner {
  user: string
  host: string
}

const UNOWNED: RootOwner = { user: 'unknown', host: 'unknown' }

/** What the table knows of one log: a transcript, or a segment of the journal. */
export interface KnownFile {
  /** Number of the file in `Columns.file`. */
  id: number
  key: string
  path: string
  root: string
  relativePath: string
  /** A segment of the journal: its records came by mutation and name their own origins. */
  byMutation: boolean
  /** Number of the origin of a transcript's records. */
  origin: number
  size: number
  modifiedNs: string
  counted: number
  fingerprint: FileUpdateHeader['fingerprint']
  copies: number
  refused: RefusedByReason
  tail: FileUpdateHeader['tail']
  usesStem: boolean
  /** Of a segment of the journal: ranges that cannot be read, the first byte and one past the last. */
  unreadable: (readonly [number, number])[]
  /** First row of its list, or -1. */
  firstRow: number
  /** Counts up with each change. */
  version: number
  /** Whether it was compared with what the ledger knows since it was last read from its first byte, or renamed. */
  attached: boolean
  edition: number
  /** Its records that begin before this byte are published in ClickHouse. */
  publishedTo: number
  /** Places whose records the database refused: they are not published, wherever they are. */
  setAside: ReadonlySet<number>
  /** A last line without its end was published, and the log was read again since: it may be another line now. */
  suspect: boolean
}

/** Until it is compared with what the ledger knows, nothing of it counts as published. */
function detach(file: KnownFile): void {
  file.attached = false
  file.publishedTo = 0
}

/** Up to where a log can be shipped: one past its last counted byte. */
export function shippableTo(file: KnownFile): number {
  return file.tail.records > 0 ? file.size : file.counted
}

/**
 * All winners of all files in memory, merged: one row for each (file, identity), of which the one that
 * outranks the others has the flag WINS and counts. Files can be added, grown and taken out again.
 */
export class RecordTable {
  readonly columns = new Columns()
  readonly texts: Record<OwnText, Dictionary> = eachOwnText(createDictionary)
  readonly origins = new Origins()
  /** By file id; `undefined` where a file was forgotten. */
  readonly files: (KnownFile | undefined)[] = []
  /** Rows that count: the number of identities. */
  winners = 0
  /** Rows in use. */
  rows = 0
  readonly #byKey = new Map<string, KnownFile>()
  readonly #ownerOf: (root: string) => RootOwner
  #buckets = new Int32Array(1024).fill(NONE)
  #firstFree = NONE

  constructor(ownerOf: (root: string) => RootOwner = () => UNOWNED) {
    this.#ownerOf = ownerOf
  }

  file(key: string): KnownFile | undefined {
    return this.#byKey.get(key)
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
    const file = this.#fileFor(header)
    if (file.publishedTo > file.counted) {
      file.suspect = true
      detach(file)
    }
    if (header.from === 0) this.#removeRows(file, 0)
    else if (header.from === file.counted) this.#removeRows(file, TAIL)
    else throw new Error(`${header.path} was counted up to byte ${file.counted}, not ${header.from}`)
    const fresh = header.from === 0
    file.version++
    if (fresh) detach(file)
    file.copies = (fresh ? 0 : file.copies) + header.copies
    file.refused = fresh ? header.refused : mergeRefused(file.refused, header.refused)
    file.usesStem = header.usesStem || (!fresh && file.usesStem)
    file.counted = header.to
    file.size = header.size
    file.modifiedNs = header.modifiedNs
    file.fingerprint = header.fingerprint
    file.tail = header.tail
    if (header.unreadable !== undefined) addRange(file.unreadable, header.unreadable)
    this.#insert(file, header, records)
  }

  /** Takes a file out: its records count no more, except where another file has a copy. */
  forget(key: string): void {
    const file = this.#byKey.get(key)
    if (file === undefined) return
    this.#removeRows(file, 0)
    this.#byKey.delete(key)
    this.files[file.id] = undefined
  }

  /** The same log under another name. The rank of its copies, and their project, may change. */
  rename(key: string, path: string, root: string, relativePath: string): void {
    const file = this.#byKey.get(key)
    if (file === undefined || file.path === path) return
    this.#name(file, path, root, relativePath)
    detach(file)
    file.version++
    for (const row of this.rowsOf(file)) this.columns.origin[row] = file.origin
    for (const row of this.rowsOf(file)) this.#elect(row)
  }

  /** The rows of a log, in no order. Nothing may be added or removed meanwhile. */
  *rowsOf(file: KnownFile): Iterable<number> {
    for (let row = file.firstRow; row !== NONE; row = this.columns.fileNext[row] as number) yield row
  }

  /** The row that counts for the identity of `row`. */
  winnerOf(row: number): number {
    const c = this.columns
    for (let other = this.#bucketHead(row); other !== NONE; other = c.bucketNext[other] as number)
      if (((c.flags[other] as number) & WINS) !== 0 && c.sameIdentity(other, row)) return other
    throw new Error('an identity without a winner')
  }

  #fileFor(header: FileUpdateHeader): KnownFile {
    const known = this.#byKey.get(header.key)
    if (known !== undefined) {
      this.rename(header.key, header.path, header.root, header.relativePath)
      return known
    }
    const file: KnownFile = {
      id: this.files.length,
      key: header.key,
      path: header.path,
      root: header.root,
      relativePath: header.relativePath,
      byMutation: header.origins !== undefined,
      origin: 0,
      size: 0,
      modifiedNs: '',
      counted: 0,
      fingerprint: header.fingerprint,
      copies: 0,
      refused: {},
      tail: header.tail,
      usesStem: false,
      unreadable: [],
      firstRow: NONE,
      version: 0,
      attached: false,
      edition: 0,
      publishedTo: 0,
      setAside: new Set(),
      suspect: false,
    }
    this.#name(file, header.path, header.root, header.relativePath)
    this.files.push(file)
    this.#byKey.set(file.key, file)
    return file
  }

  #name(file: KnownFile, path: string, root: string, relativePath: string): void {
    file.path = path
    file.root = root
    file.relativePath = relativePath
    file.origin = this.origins.add({ project: nameLog(relativePath).project, ...this.#ownerOf(root), path })
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
    c.reserve(c.length + records.length)
    const counts = TOKEN_COUNTS.map((field) => records[field])
    this.#growBuckets(this.rows + records.length)
    for (let i = 0; i < records.length; i++) {
      const inTail = i >= bodyLength
      const own = inTail ? NONE : this.#findOwn(file.id, words, i * WORDS)
      const origin = origins === undefined ? file.origin : (origins[records.origin?.[i] as number] as number)
      if (own !== NONE && !this.#isBetter(records, i, origin, own)) continue
      const row = own === NONE ? this.#allocate(file, words, i * WORDS) : own
      c.time[row] = records.time[i] as number
      c.offset[row] = records.offset[i] as number
      c.rankOffset[row] = (records.rankOffset ?? records.offset)[i] as number
      c.origin[row] = origin
      counts.forEach((values, n) => {
        ;(c.countList[n] as Float64Array)[row] = values[i] as number
      })
      for (const { from, numbers, field } of texts) c.texts[field][row] = numbers[from[i] as number] as number
      const kept = (c.flags[row] as number) & (LIVE | WINS)
      c.flags[row] = kept | LIVE | (records.sidechain[i] === 1 ? SIDECHAIN : 0) | (inTail ? TAIL : 0)
      this.#elect(row)
    }
  }

  /** The row of this file that has this identity, not counting those of a tail. */
  #findOwn(fileId: number, words: Uint32Array, at: number): number {
    const c = this.columns
    for (let row = this.#buckets[this.#bucketOf(words, at)] as number; row !== NONE; row = c.bucketNext[row] as number)
      if (c.file[row] === fileId && c.hasIdentity(row, words, at) && ((c.flags[row] as number) & TAIL) === 0) return row
    return NONE
  }

  /** Whether a record outranks a row of the same log. */
  #isBetter(records: RecordColumns, i: number, origin: number, row: number): boolean {
    let total = 0
    for (const field of TOKEN_COUNTS) total += records[field][i] as number
    const rank: Rank = {
      sidechain: records.sidechain[i] === 1,
      total,
      time: records.time[i] as number,
      path: this.origins.at(origin).path,
      offset: (records.rankOffset ?? records.offset)[i] as number,
    }
    return outranks(rank, { ...this.#rank(row), byMutation: false })
  }

  #rank(row: number): Rank {
    const c = this.columns
    return {
      byMutation: (this.files[c.file[row] as number] as KnownFile).byMutation,
      sidechain: ((c.flags[row] as number) & SIDECHAIN) !== 0,
      total: c.total(row),
      time: c.time[row] as number,
      path: this.origins.at(c.origin[row] as number).path,
      offset: c.rankOffset[row] as number,
    }
  }

  /** Decides anew which row of the identity of `changed` wins. */
  #elect(changed: number): void {
    const c = this.columns
    let best = NONE
    let old = NONE
    for (let row = this.#bucketHead(changed); row !== NONE; row = c.bucketNext[row] as number) {
      if (row !== changed && !c.sameIdentity(row, changed)) continue
      if (((c.flags[row] as number) & WINS) !== 0) old = row
      // most identities are in one file alone: no rank is made for them
      if (best === NONE || outranks(this.#rank(row), this.#rank(best))) best = row
    }
    if (old === best || best === NONE) return
    if (old === NONE) this.winners++
    else c.flags[old] = (c.flags[old] as number) & ~WINS
    c.flags[best] = (c.flags[best] as number) | WINS
  }

  #allocate(file: KnownFile, words: Uint32Array, at: number): number {
    const c = this.columns
    let row = this.#firstFree
    if (row === NONE) row = c.length++
    else this.#firstFree = c.fileNext[row] as number
    c.identity.set(words.subarray(at, at + WORDS), row * WORDS)
    c.file[row] = file.id
    c.flags[row] = LIVE
    c.fileNext[row] = file.firstRow
    file.firstRow = row
    const bucket = this.#bucketOf(words, at)
    c.bucketNext[row] = this.#buckets[bucket] as number
    this.#buckets[bucket] = row
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
    const bucket = this.#bucketOf(c.identity, row * WORDS)
    const next = c.bucketNext[row] as number
    if (this.#buckets[bucket] === row) this.#buckets[bucket] = next
    else {
      let before = this.#buckets[bucket] as number
      while (c.bucketNext[before] !== row) before = c.bucketNext[before] as number
      c.bucketNext[before] = next
    }
    if (((c.flags[row] as number) & WINS) !== 0) {
      this.winners--
      c.flags[row] = 0
      const heir = this.#sameIdentityInBucket(bucket, row)
      if (heir !== NONE) this.#elect(heir)
    }
    c.flags[row] = 0
    c.fileNext[row] = this.#firstFree
    this.#firstFree = row
    this.rows--
  }

  #sameIdentityInBucket(bucket: number, gone: number): number {
    const c = this.columns
    for (let row = this.#buckets[bucket] as number; row !== NONE; row = c.bucketNext[row] as number)
      if (c.sameIdentity(row, gone)) return row
    return NONE
  }

  #bucketHead(row: number): number {
    return this.#buckets[this.#bucketOf(this.columns.identity, row * WORDS)] as number
  }

  /** Identities are hashes already: their first word is as good as any. */
  #bucketOf(words: Uint32Array, at: number): number {
    return (words[at] as number) & (this.#buckets.length - 1)
  }

  #growBuckets(rows: number): void {
    if (rows <= this.#buckets.length) return
    let length = this.#buckets.length
    while (length < rows) length *= 2
    this.#buckets = new Int32Array(length).fill(NONE)
    const c = this.columns
    for (let row = 0; row < c.length; row++) {
      if (((c.flags[row] as number) & LIVE) === 0) continue
      const bucket = this.#bucketOf(c.identity, row * WORDS)
      c.bucketNext[row] = this.#buckets[bucket] as number
      this.#buckets[bucket] = row
    }
  }
}

/** Ranges come in order; what follows on the last one is part of it. */
function addRange(ranges: KnownFile['unreadable'], [from, to]: readonly [number, number]): void {
  const last = ranges.at(-1)
  if (last?.[1] === from) ranges[ranges.length - 1] = [last[0], to]
  else ranges.push([from, to])
}

/** Counts add up; of the places, the first hundred are kept. */
export function mergeRefused(a: RefusedByReason, b: RefusedByReason): RefusedByReason {
  const merged: RefusedByReason = { ...a }
  for (const [reason, refused] of Object.entries(b) as [
    keyof RefusedByReason,
    { count: number; offsets: number[] },
  ][]) {
    const known = merged[reason]
    merged[reason] =
      known === undefined
        ? refused
        : { count: known.count + refused.count, offsets: [...known.offsets, ...refused.offsets].slice(0, 100) }
  }
  return merged
}
