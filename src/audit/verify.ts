import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { DAMAGED, REMOVED } from './beginning.ts'
import { parseRemoved } from './chain.ts'
import { auditFiles, splitLines } from './files.ts'
import { type Head, headText, readHead } from './head.ts'
import { hmacOf, type Line, type Link, NO_HMAC, parseLine } from './line.ts'

/** What a look at a whole chain found. */
export interface AuditVerdict {
  /** What is wrong first: one line. `undefined` where the chain is whole. */
  problem: string | undefined
  files: number
  entries: number
  /** The last entry, as it is kept elsewhere; `undefined` where it is not known. */
  head: string | undefined
}

/**
 * Checks each byte of a chain: an entry that was edited, removed, moved or added is found, and so are entries that were
 * cut off at the end, by its head. `kept` is a head that was kept elsewhere: it finds a chain, head included, that was put
 * back to how it was before, too.
 */
export function verifyAudit(folder: string, key: Buffer, kept?: Head): AuditVerdict {
  // first: entries that are written meanwhile are behind it
  const head = readHead(folder, key)
  const check = createCheck(key, [...(typeof head === 'object' ? [head] : []), ...(kept === undefined ? [] : [kept])])
  const files = auditFiles(folder)
  for (const { path, first } of files) check.file(basename(path), first, readFileSync(path))
  const { problem, entries } = check.end()
  const ofHead = typeof head === 'object' ? otherChain(head, kept) : HEAD_PROBLEMS[head]
  return {
    problem: problem ?? ofHead,
    files: files.length,
    entries,
    head: typeof head === 'object' ? headText(head) : undefined,
  }
}

const HEAD_PROBLEMS = {
  missing: 'its head (head.json) is missing: what was cut off at the end cannot be known',
  damaged: 'its head (head.json) was changed: what was cut off at the end cannot be known',
  'other-key': 'its head (head.json) was written with another key',
} as const

const otherChain = (head: Head, kept: Head | undefined): string | undefined =>
  kept !== undefined && kept.chain !== head.chain
    ? `it is another chain (${head.chain}) than that of the head that was kept (${kept.chain})`
    : undefined

interface Check {
  file(name: string, first: number, bytes: Buffer): void
  end(): { problem: string | undefined; entries: number }
}

function createCheck(key: Buffer, heads: readonly Head[]): Check {
  let problem: string | undefined
  let entries = 0
  let before: Link = { position: -1, hmac: NO_HMAC }
  /** The first line, where the chain does not begin at 0: what was removed before it must be said further down. */
  let cutAt: Line | undefined
  let isAnchored = false
  const atHeads = new Map<number, string>()

  const found = (text: string): void => {
    problem ??= text
  }
  const one = (line: Line, place: string): void => {
    const { body, hmac, entry } = line
    const { position } = entry
    const isFirst = entries === 0
    entries++
    if (isFirst && position > 0) cutAt = line
    else {
      const isNext = position === before.position + 1
      const isLinked = isNext && hmacOf(key, before.hmac, body) === hmac
      if (position > before.position + 1)
        found(`${missing(before.position + 1, position - 1)} before ${place}: removed, or moved`)
      else if (!isNext) found(`${place} has the position ${position}, which is not the next one: added, or moved`)
      else if (!isLinked) found(`${place} (position ${position}) is not what was written there`)
      if (isLinked) noteAnchor(entry.action, entry.detail)
      if (isLinked && entry.action === DAMAGED) found(`${place} says that the audit log was damaged: ${entry.detail}`)
    }
    before = { position, hmac }
    if (heads.some((head) => head.position === position)) atHeads.set(position, hmac)
  }
  const noteAnchor = (action: string, detail: string | null): void => {
    const removed = action === REMOVED ? parseRemoved(detail) : undefined
    if (cutAt === undefined || removed?.position !== cutAt.entry.position - 1) return
    isAnchored ||= hmacOf(key, removed.hmac, cutAt.body) === cutAt.hmac
  }
  return {
    file(name, first, bytes) {
      const { lines, rest } = splitLines(bytes)
      for (const [i, bytesOfLine] of lines.entries()) {
        const place = `${name}, line ${i + 1}`
        const line = parseLine(bytesOfLine)
        if (line === undefined) {
          found(`${place} is no entry: it was changed, or added`)
          continue
        }
        one(line, place)
        if (i === 0 && line.entry.position !== first)
          found(`${place} has the position ${line.entry.position}, and its file the name of another one`)
      }
      if (lines.length === 0) found(`${name} has no entry`)
      if (rest.length > 0)
        found(
          `${name} ends in ${rest.length} bytes that are no whole entry: a server that was killed leaves such, and takes them off when it starts again`,
        )
    },
    end() {
      if (cutAt !== undefined && !isAnchored)
        problem = `${missing(0, cutAt.entry.position - 1)}: the chain does not say so`
      for (const head of heads) headProblem(head, { before, cutAt, atHeads }, found)
      return { problem, entries }
    },
  }
}

interface Ends {
  before: Link
  cutAt: Line | undefined
  atHeads: ReadonlyMap<number, string>
}

function headProblem(head: Head, { before, cutAt, atHeads }: Ends, found: (text: string) => void): void {
  const { position, hmac } = head
  if (position > before.position) found(`${missing(before.position + 1, position)} at the end: cut off`)
  else if (position >= (cutAt?.entry.position ?? 0) && atHeads.get(position) !== hmac)
    found(`the entry ${position} is not the one of the head: the chain was written anew`)
}

const missing = (from: number, to: number): string =>
  from === to ? `the entry ${from} is missing` : `the entries ${from} to ${to} are missing`
