import { mkdirSync } from 'node:fs'
import type { Journal, JournalEntry, JournalPlace } from '../ports/journal.ts'
import type { JournalKey } from './key.ts'
import { createSegmentWriter } from './segment-writer.ts'
import { createSegmentReader, type Damage } from './segments.ts'

/** Raise it when the content of entries changes; older ones stay readable. */
const ENTRY_VERSION = 1

export interface JournalOptions {
  folder: string
  key: JournalKey
  /** Gets every entry once: those on disk at the start, each one that is appended, and those of other instances. */
  onEntry: (entry: JournalEntry, place: JournalPlace) => void
  onDamage: (damage: Damage) => void
  /** Milliseconds between two looks for what other instances wrote. */
  followIntervalMs: number
}

export interface JournalHealth {
  state: 'UP' | 'DEGRADED' | 'DOWN'
  detail: string
}

/** The encrypted log on local disk. Instances that share its folder write segments of their own and read all. */
export interface OpenJournal extends Journal {
  /** Hands over everything that is on disk, once more. */
  replay(onEntry: (entry: JournalEntry, place: JournalPlace) => void): void
  health(): JournalHealth
  close(): Promise<void>
}

export function openJournal(options: JournalOptions): OpenJournal {
  const { folder, key, onEntry } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let entries = 0
  let reported = 0
  let unreadable = 0

  const reader = createSegmentReader(folder, key, (plain, segment, from, to) => {
    const entry = decodeEntry(plain)
    if (entry === undefined) {
      unreadable++
      options.onDamage({ segment, from, to, reason: 'an entry of a later version' })
      return
    }
    entries++
    onEntry(entry, { segment, from, to })
  })
  const own = new Set<string>()
  const follow = (): void => {
    reader.read(own)
    const damage = reader.damage()
    for (; reported < damage.length; reported++) options.onDamage(damage[reported] as Damage)
  }
  follow()
  const tornBytes = reader.unfinishedBytes()
  let followProblem: string | undefined
  const timer = setInterval(() => {
    try {
      follow()
      followProblem = undefined
    } catch (error) {
      // a folder that is away for a while must not end the server
      followProblem = (error as Error).message
    }
  }, options.followIntervalMs)
  timer.unref()
  const writer = createSegmentWriter(folder, key, (segment) => own.add(segment))

  return {
    append(entry) {
      const plain = Buffer.from(JSON.stringify({ version: ENTRY_VERSION, entry }))
      return writer.append(plain, (frame) => {
        entries++
        onEntry(entry, frame)
      })
    },
    replay(onEntry) {
      createSegmentReader(folder, key, (plain, segment, from, to) => {
        const entry = decodeEntry(plain)
        if (entry !== undefined) onEntry(entry, { segment, from, to })
      }).read(new Set())
    },
    health() {
      const problem = writer.problem()
      if (problem !== undefined) return { state: 'DOWN', detail: `cannot be written: ${problem}` }
      if (followProblem !== undefined) return { state: 'DEGRADED', detail: `cannot be read: ${followProblem}` }
      const damaged = reader.damage().length + unreadable
      if (damaged > 0) return { state: 'DEGRADED', detail: `${damaged} damaged places, in the folder quarantine` }
      const torn = tornBytes === 0 ? '' : `, ${tornBytes} bytes of a torn entry were left out at the start`
      return { state: 'UP', detail: `${entries} entries${torn}` }
    },
    async close() {
      clearInterval(timer)
      await writer.close()
    },
  }
}

/** The tag of the frame has shown that it is ours; `undefined` where a later version wrote it. */
function decodeEntry(plain: Buffer): JournalEntry | undefined {
  const { version, entry } = JSON.parse(plain.toString('utf8')) as { version: number; entry: JournalEntry }
  return version === ENTRY_VERSION ? entry : undefined
}
