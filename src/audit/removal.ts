import { REMOVED } from './beginning.ts'
import { type AuditFile, tailOf } from './files.ts'
import type { PlacedEvent } from './line.ts'

/** How much of an audit log its folder keeps. */
export interface Limits {
  /** The oldest files go when all have more bytes. */
  maxBytes: number
  /** Position up to which somebody else keeps the entries; what is behind it stays, until there is twice as much. */
  keptElsewhere?: (() => number) | undefined
}

/** Files that go, and what says so. */
export interface Removal {
  files: AuditFile[]
  /** Says up to where entries are removed, so that a chain that begins behind them is whole. */
  note: PlacedEvent
  removed: {
    /** Of the last entry that goes: milliseconds since 1970. */
    until: number
    /** Some of it nobody else keeps, though somebody should. */
    isLost: boolean
  }
}

/** Beyond so many times as much as there should be, a disk is worth more than what nobody else keeps. */
const WAITED_FOR = 2

/** The oldest files, without which the others have no more than that; never the last one. `at`: now. */
export function removalOf(
  files: readonly AuditFile[],
  { maxBytes, keptElsewhere = () => Number.POSITIVE_INFINITY }: Limits,
  at: number,
): Removal | undefined {
  let bytes = files.reduce((sum, { size }) => sum + size, 0)
  const old: AuditFile[] = []
  let isLost = false
  for (const [i, file] of files.slice(0, -1).entries()) {
    const isKept = (files[i + 1] as AuditFile).first - 1 <= keptElsewhere()
    if (bytes <= (isKept ? maxBytes : WAITED_FOR * maxBytes)) break
    isLost ||= !isKept
    old.push(file)
    bytes -= file.size
  }
  const [last] = old.slice(-1)
  const line = last && tailOf(last).line
  if (line === undefined) return undefined
  const detail = removedText(line.entry.position, line.hmac)
  const note: PlacedEvent = { at, count: 1, action: REMOVED, outcome: 'ok', detail }
  return { files: old, note, removed: { until: line.entry.at, isLost } }
}

const removedText = (position: number, hmac: string): string => `entries up to ${position}, whose hmac is ${hmac}`

/** What `REMOVED` says. */
export function parseRemoved(detail: string | null): { position: number; hmac: string } | undefined {
  const [, position, hmac] = /^entries up to (\d+), whose hmac is ([0-9a-f]{64})$/.exec(detail ?? '') ?? []
  return position === undefined || hmac === undefined ? undefined : { position: Number(position), hmac }
}
