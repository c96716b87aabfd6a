import { basename, dirname } from 'node:path'
import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { eachOwnText } from '../../domain/record-fields.ts'
import { eachCount } from '../../domain/token-counts.ts'
import { lockPathOf, takeLock } from '../../process-lock.ts'
import type { Digested } from '../scanning/digesting.ts'
import type { FoundFile } from '../scanning/discovery.ts'
import { decodeFileUpdate, encodeFileUpdate, type FileUpdateHeader, type RecordColumns } from '../table/file-update.ts'
import { type KnownFile, NONE } from '../table/known-file.ts'
import { SIDECHAIN, TAIL } from '../table/record-columns.ts'
import type { RecordTable } from '../table/record-table.ts'
import { type FrameReader, type IndexState, openIndexFile, readIndexFile } from './index-file.ts'

/** Keeps the table in the index: loads it at the start and appends each change. */
export interface Persistence {
  /** `locked`: another process writes the index; `broken`: it could not be written any more. */
  state(): IndexState | 'locked' | 'broken'
  /** Why it is `broken`, with what to do. */
  problem(): string | undefined
  update(encoded: ArrayBuffer): void
  forget(key: string): void
  rename(file: Pick<FoundFile, 'key' | 'path' | 'root' | 'relativePath'>): void
  /** Its first bytes have these digests. */
  digest(file: FileDigests): void
  /** Writes the index anew when most of it is superseded. */
  compactIfWasteful(): void
  close(): void
}

type FileDigests = Pick<Digested, 'key' | 'digests'>

/** The index is rewritten when it is this many times as large as its content, and large enough to matter. */
const WASTE_FACTOR = 3
const MIN_WASTEFUL_BYTES = 4 << 20

/**
 * `reset` empties the table, when what was loaded until then turns out not to be believable. Never throws: the index is
 * a cache, and without one everything is counted anew.
 */
export function openPersistence(path: string, table: () => RecordTable, reset: () => void): Persistence {
  let unlock: (() => void) | undefined
  try {
    unlock = takeLock(lockPathOf(path))
    if (unlock !== undefined) return openOwn(path, unlock, table, reset)
    // another process writes it: what it wrote so far is read, and what is counted here stays here
    if (!readIndexFile(path, loading(table))) reset()
    return { ...nothing, state: () => 'locked', problem: () => undefined }
  } catch (error) {
    unlock?.()
    reset()
    return { ...nothing, state: () => 'broken', problem: () => describe(path, error as Error) }
  }
}

function describe(path: string, { message }: Error): string {
  return `the index cannot be used, so each start counts everything anew: ${message}; ${dirname(path)} must be a folder that can be written, and ${basename(path)} in it a file`
}

function loading(table: () => RecordTable): FrameReader {
  return (kind, buffer, start, length) => {
    if (kind === 'update') return table().apply(decodeFileUpdate(buffer, start))
    const change = JSON.parse(Buffer.from(buffer, start, length).toString('utf8')) as FoundFile & FileDigests
    if (kind === 'digest') {
      for (const [to, sha256] of change.digests) table().file(change.key)?.digests.set(to, sha256)
    } else if (kind === 'forget') table().forget(change.key)
    else table().rename(change.key, change.path, change.root, change.relativePath)
  }
}

function openOwn(path: string, unlock: () => void, table: () => RecordTable, reset: () => void): Persistence {
  const { index, state } = openIndexFile(path, loading(table), reset)
  let compactSize = 0
  let brokenBy: Error | undefined
  /** A disk that is full costs speed alone: from then on nothing is written, and the next start counts anew. */
  const write = (run: () => void): void => {
    if (brokenBy !== undefined) return
    try {
      run()
    } catch (error) {
      brokenBy = error as Error
    }
  }
  const compact = (): void => {
    compactSize ||= sizeOf(table())
    if (index.size() < MIN_WASTEFUL_BYTES || index.size() < WASTE_FACTOR * Math.max(compactSize, sizeOf(table())))
      return
    index.rewrite((append) => {
      for (const file of table().transcripts()) {
        append('update', encodeFile(table(), file))
        if (file.digests.size > 0) append('digest', json({ key: file.key, digests: [...file.digests] }))
      }
    })
    compactSize = index.size()
  }
  return {
    state: () => (brokenBy === undefined ? state : 'broken'),
    problem: () => (brokenBy === undefined ? undefined : describe(path, brokenBy)),
    update: (encoded) => write(() => index.append('update', encoded)),
    forget: (key) => write(() => index.append('forget', json({ key }))),
    rename: ({ key, path, root, relativePath }) =>
      write(() => index.append('rename', json({ key, path, root, relativePath }))),
    digest: ({ key, digests }) => write(() => index.append('digest', json({ key, digests }))),
    compactIfWasteful: () => write(compact),
    close() {
      index.close()
      unlock()
    },
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const nothing = {
  update() {},
  forget() {},
  rename() {},
  digest() {},
  compactIfWasteful() {},
  close() {},
}

/** About the bytes that the table takes in the index. */
function sizeOf(table: RecordTable): number {
  let files = 0
  for (const _ of table.transcripts()) files++
  return table.rows * 57 + files * 1024
}

/** All that is known of a file, as one update from its first byte. */
function encodeFile(table: RecordTable, file: KnownFile): ArrayBuffer {
  const { texts, records } = recordsOf(table, file)
  const { key, path, root, relativePath, size, modifiedNs, counted, fingerprint, copies, refused, tail, usesStem } =
    file
  const of = { key, path, root, relativePath, size, modifiedNs, fingerprint, copies, refused, tail, usesStem }
  const { titles, leaf } = file
  return encodeFileUpdate({ ...of, titles, leaf, from: 0, to: counted, texts }, records)
}

/** The rows of a file as columns, those of its tail last, with dictionaries of the texts that occur in it. */
function recordsOf(table: RecordTable, file: KnownFile): Pick<FileUpdateHeader, 'texts'> & { records: RecordColumns } {
  const { columns: c } = table
  const body: number[] = []
  const tail: number[] = []
  for (let row = file.firstRow; row !== NONE; row = c.fileNext[row] as number)
    (((c.flags[row] as number) & TAIL) === 0 ? body : tail).push(row)
  const rows = [...body, ...tail]
  const dictionaries = eachOwnText(() => new Map<number, number>())
  const local = (map: Map<number, number>, number: number): number => {
    if (!map.has(number)) map.set(number, map.size)
    return map.get(number) as number
  }
  const pick = (column: ArrayLike<number>): Float64Array => Float64Array.from(rows, (row) => column[row] as number)
  const words = IDENTITY_BYTES / 4
  const identity = new Uint32Array(rows.length * words)
  rows.forEach((row, i) => {
    identity.set(c.identity.subarray(row * words, (row + 1) * words), i * words)
  })
  const records: RecordColumns = {
    length: rows.length,
    identity: new Uint8Array(identity.buffer),
    time: pick(c.time),
    offset: pick(c.offset),
    ...eachCount((field) => pick(c.counts[field])),
    ...eachOwnText((field) =>
      Uint32Array.from(rows, (row) => local(dictionaries[field], c.texts[field][row] as number)),
    ),
    sidechain: Uint8Array.from(rows, (row) => (((c.flags[row] as number) & SIDECHAIN) === 0 ? 0 : 1)),
  }
  const texts = eachOwnText((field) =>
    [...dictionaries[field].keys()].map((number) => table.texts[field].texts[number] as string),
  )
  return { texts, records }
}
