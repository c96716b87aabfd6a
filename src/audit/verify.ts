import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { finished, type Work } from '../domain/work.ts'
import { ACKNOWLEDGED, DAMAGED, REMOVED } from './beginning.ts'
import { auditFiles, splitLines } from './files.ts'
import { type Head, headText, readHead } from './head.ts'
import { detailText, type Line, type Link, NO_HMAC, parseLine, proofOf } from './line.ts'
import { parseRemoved } from './removal.ts'

/** What a look at a whole chain found. */
export interface AuditVerdict {
  /** What is wrong first, that nobody has acknowledged: one line. `undefined` where the chain is whole. */
  problem: string | undefined
  /** Everything that is wrong and that nobody has acknowledged, in the order of the chain. */
  problems: string[]
  /** What is wrong, and an operator has acknowledged. */
  acknowledged: string[]
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
export const verifyAudit = (folder: string, key: Buffer, kept?: Head): AuditVerdict =>
  finished(verifyingAudit(folder, key, kept))

/** The same in steps, of a file each. */
export function* verifyingAudit(folder: string, key: Buffer, kept?: Head): Work<AuditVerdict> {
  // first: entries that are written meanwhile are behind it
  const head = readHead(folder, key)
  const check = createCheck(key, [...(typeof head === 'object' ? [head] : []), ...(kept === undefined ? [] : [kept])])
  const files = auditFiles(folder)
  for (const { path, first } of files) {
    check.file(basename(path), first, readFileSync(path))
    yield
  }
  const { problems: found, entries, isAcknowledged } = check.end()
  const ofHead = typeof head === 'object' ? otherChain(head, kept) : HEAD_PROBLEMS[head]
  const all = [...new Set(ofHead === undefined ? found : [...found, ofHead])]
  // without a head nobody knows what was cut off since: that it was missing once says nothing of now
  const isKnown = (problem: string): boolean => problem !== ofHead && isAcknowledged(problem)
  const problems = all.filter((problem) => !isKnown(problem))
  return {
    problem: problems[0],
    problems,
    acknowledged: all.filter(isKnown),
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
  end(): { problems: string[]; entries: number; isAcknowledged(problem: string): boolean }
}

/** Problems that are told; what is more is behind them. */
export const MAX_PROBLEMS = 1000

function createCheck(key: Buffer, heads: readonly Head[]): Check {
  const problems: string[] = []
  const found = (text: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(text)
  }
  const said = createSaid(key, found)
  let entries = 0
  let before: Link = { position: -1, hmac: NO_HMAC }
  /** The first line, where the chain does not begin at 0: what was removed before it must be said further down. */
  let cutAt: Line | undefined
  const atHeads = new Map<number, string>()

  const one = (line: Line, place: string): void => {
    const { hmac, entry } = line
    const { position } = entry
    const isCut = entries === 0 && position > 0
    entries++
    if (isCut) cutAt = line
    const isNext = position === before.position + 1
    if (position > before.position + 1 && !isCut)
      found(`${missing(before.position + 1, position - 1)} before ${place}: removed, or moved`)
    else if (!isNext && !isCut)
      found(`${place} has the position ${position}, which is not the next one: added, or moved`)
    const proof = proofOf(key, line, isNext ? before.hmac : undefined)
    if (proof === 'changed' || (isNext && proof !== 'follows'))
      found(`${place} (position ${position}) is not what was written there`)
    else if (proof === 'unknown' && !isCut) found(unknown(position))
    said.seen(line)
    if (proof === 'follows') said.linked(line, place, cutAt)
    before = { position, hmac }
    if (heads.some((head) => head.position === position)) atHeads.set(position, hmac)
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
      if (cutAt !== undefined && !said.isAnchored()) {
        problems.unshift(`${missing(0, cutAt.entry.position - 1)}: the chain does not say so`)
        if (cutAt.after === undefined) found(unknown(cutAt.entry.position))
      }
      for (const head of heads) headProblem(head, { before, cutAt, atHeads, saysDamaged: said.saysDamaged }, found)
      return { problems, entries, isAcknowledged: said.isAcknowledged }
    },
  }
}

/** What the chain says of itself. */
interface Said {
  /** An entry, whether it follows from the one before or not. */
  seen(line: Line): void
  /** One that does. `cutAt`: the first of all, where that is not at 0. */
  linked(line: Line, place: string, cutAt: Line | undefined): void
  /** What was removed before the first one is told. */
  isAnchored(): boolean
  isAcknowledged(problem: string): boolean
  /** Whether the entry at this position says that the log was damaged. */
  saysDamaged(position: number): boolean
}

function createSaid(key: Buffer, found: (text: string) => void): Said {
  const acknowledged = new Set<string | null>()
  const damaged = new Set<number>()
  let isAnchored = false
  return {
    seen({ entry: { action, position } }) {
      // what says so may stand behind a gap
      if (action === DAMAGED) damaged.add(position)
    },
    linked({ entry: { action, detail } }, place, cutAt) {
      if (action === ACKNOWLEDGED) acknowledged.add(detail)
      if (action === DAMAGED) found(`${place} says that the audit log was damaged: ${detail}`)
      const removed = action === REMOVED ? parseRemoved(detail) : undefined
      if (cutAt === undefined || removed?.position !== cutAt.entry.position - 1) return
      isAnchored ||= proofOf(key, cutAt, removed.hmac) === 'follows'
    },
    isAnchored: () => isAnchored,
    isAcknowledged: (problem) => acknowledged.has(detailText(problem)),
    saysDamaged: (position) => damaged.has(position),
  }
}

interface Ends {
  before: Link
  cutAt: Line | undefined
  atHeads: ReadonlyMap<number, string>
  saysDamaged: (position: number) => boolean
}

function headProblem(head: Head, { before, cutAt, atHeads, saysDamaged }: Ends, found: (text: string) => void): void {
  const { position, hmac } = head
  if (position > before.position) found(`${missing(before.position + 1, position)} at the end: cut off`)
  else if (position >= (cutAt?.entry.position ?? 0) && atHeads.get(position) !== hmac)
    found(`the entry ${position} is not the one of the head: the chain was written anew`)
  if (head.damaged !== undefined && !saysDamaged(head.damaged))
    found(`the entry ${head.damaged} said that the audit log was damaged, and is gone`)
}

const missing = (from: number, to: number): string =>
  from === to ? `the entry ${from} is missing` : `the entries ${from} to ${to} are missing`

/** Whoever takes a line away could make the one behind it look as one of an earlier release. */
const unknown = (position: number): string =>
  `the entry ${position} is of an earlier release, and the one before it is not there: nobody can tell whether it was changed`
