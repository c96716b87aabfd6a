import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolder } from '../../make-folder.ts'
import type { StatusPlaces } from '../../places.ts'

// What was counted, as few figures as a status line needs, beside the index: reading the index itself takes too long.

/** Tokens, and USD; `null` where nothing has a price. */
export type Used = readonly [tokens: number, costUsd: number | null]

/** Times are milliseconds since 1970. */
export interface Status {
  version: typeof VERSION
  /** The transcripts and the time zone that it is of. */
  of: string
  /** When the counting of it began. */
  asOf: number
  /** By the id of a session. */
  sessions: Record<string, Used>
  /** The latest days in which something was used, by their date (`2026-04-02`). */
  days: Record<string, Used>
  /** The latest block, and the most tokens that an earlier one had. */
  block: { start: number; end: number; used: Used; costUsdPerHour: number | null; largest: number } | undefined
  /** Why nothing could be counted; everything else is empty then. */
  problem?: string
}

export const VERSION = 1

/** One for each set of transcripts and time zone, in the folder of the index. */
export interface StatusFile {
  path: string
  of: string
}

export function statusFile({ dataDir, transcripts }: StatusPlaces, timeZone: string): StatusFile {
  const of = `${transcripts}${timeZone}`
  return { path: join(dataDir, 'index', `statusline-${shortHash(of)}.json`), of }
}

/** FNV-1a: Node's own hashes take longer to load than a line may. Two that are alike are told apart by `of`. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** `undefined` where there is none, or none that this release can read. */
export function readStatus({ path, of }: StatusFile): Status | undefined {
  try {
    const status = JSON.parse(readFileSync(path, 'utf8')) as Status
    return status.version === VERSION && status.of === of ? status : undefined
  } catch {
    return undefined
  }
}

export function writeStatus({ path }: StatusFile, status: Status): void {
  makeFolder(dirname(path))
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(status), { mode: 0o600 })
  renameSync(`${path}.${process.pid}`, path)
}

/** A counting that takes longer was ended. */
const GIVEN_UP_MS = 120_000

const claimPath = ({ path }: StatusFile): string => `${path}.counting`

/** Whether this process may begin to count: one does at a time. Throws where nothing can be written. */
export function claimCounting(file: StatusFile): boolean {
  const claim = claimPath(file)
  try {
    if (Date.now() - statSync(claim).mtimeMs < GIVEN_UP_MS) return false
    rmSync(claim, { force: true })
  } catch {
    // nobody counts
  }
  try {
    makeFolder(dirname(file.path))
    writeFileSync(claim, '', { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && existsSync(claim)) return false
    throw new Error(`${dirname(file.path)} cannot be made or written to (${code ?? message}): set another DATA_DIR`, {
      cause: error,
    })
  }
}

export const endCounting = (file: StatusFile): void => rmSync(claimPath(file), { force: true })
