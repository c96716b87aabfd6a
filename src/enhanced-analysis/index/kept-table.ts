import { createHash } from 'node:crypto'
import type { Digested } from '../scanning/digesting.ts'
import type { FoundFile } from '../scanning/discovery.ts'
import type { FileUpdate } from '../table/file-update.ts'
import { type KnownRoot, RecordTable } from '../table/record-table.ts'
import type { IndexState } from './index-file.ts'
import { openPersistence } from './persistence.ts'

/** What reading a byte range gave, as it is counted and as the index keeps it. */
export interface ReadPart {
  update: FileUpdate
  encoded: ArrayBuffer
}

/** The table of records, with the index on disk, where there is one: a transcript changes in both. */
export interface KeptTable {
  readonly table: RecordTable
  /** What was read of a transcript. */
  update(part: ReadPart): void
  /** It is not on disk any more, if it was known. */
  forget(key: string): void
  /** It has another name. */
  rename(file: FoundFile): void
  /** First bytes of it have these digests: they need not be read for it again. */
  digest(digested: Digested): void
  /** Writes the index anew when most of it is superseded. */
  compactIfWasteful(): void
  /** The same for the same transcripts, counted equally far. */
  watermark(): string
  /**
   * What was found of the index at the start; `off` without one, `locked` where another process writes it, `broken` once
   * it could not be written.
   */
  indexState(): IndexState | 'off' | 'locked' | 'broken'
  /** Why it is `broken`, with what to do; absent otherwise. */
  indexProblem(): string | undefined
  close(): void
}

/** `indexPath` absent: the table is in memory alone. */
export function openKeptTable(rootOf: (root: string) => KnownRoot, indexPath: string | undefined): KeptTable {
  let table = new RecordTable(rootOf)
  // an index that turns out not to be believable leaves an empty table; from then on it stays the same one
  const startAnew = (): void => {
    table = new RecordTable(rootOf)
  }
  const index = indexPath === undefined ? undefined : openPersistence(indexPath, () => table, startAnew)
  /** Until something changes. */
  let mark: string | undefined
  let markedNamings = 0
  return {
    table,
    update({ update, encoded }) {
      mark = undefined
      table.apply(update)
      index?.update(encoded)
    },
    forget(key) {
      if (table.file(key) === undefined) return
      mark = undefined
      table.forget(key)
      index?.forget(key)
    },
    rename(file) {
      mark = undefined
      table.rename(file.key, file.path, file.root, file.relativePath)
      index?.rename(file)
    },
    digest({ key, reading, digests }) {
      const known = digests.filter(([, sha256]) => sha256 !== '')
      if (known.length > 0 && table.file(key)?.reading === reading) index?.digest({ key, digests: known })
    },
    compactIfWasteful: () => index?.compactIfWasteful(),
    watermark() {
      if (markedNamings !== table.namings) mark = undefined
      markedNamings = table.namings
      mark ??= watermarkOf(table)
      return mark
    },
    indexState: () => index?.state() ?? 'off',
    indexProblem: () => index?.problem(),
    close: () => index?.close(),
  }
}

function watermarkOf(table: RecordTable): string {
  const digest = createHash('sha256')
  const files = [...table.transcripts()].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const { path, counted, size, modifiedNs, origin } of files) {
    // what it is called is in answers, too
    const { user, host, project, path: log } = table.origins.at(origin)
    digest.update(`${JSON.stringify([path, counted, size, modifiedNs, user, host, project, log])}\n`)
  }
  return digest.digest('base64url')
}
