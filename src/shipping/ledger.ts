import { randomInt, randomUUID } from 'node:crypto'
import { type Edition, formatLogName, isJournalKey, parseLogName } from '../domain/log-name.ts'
import type { Migration } from '../migration/migration.ts'
import type { LogState } from '../ports/logs.ts'
import type { PublishedBatch } from '../ports/record-store.ts'
import { openLedgerFile } from './ledger-file.ts'

/** Batches that are published together, and how far their logs are published then. */
export interface Group {
  batches: PublishedBatch[]
  states: LogState[]
  run: string
  /** Of each of `states`: tokens of those of its records that count, as decimal text. */
  tokens: string[]
}

type Entry =
  | { kind: 'opened'; ledger: string; ledgerNumber: number; store: string; format?: number }
  | { kind: 'planned'; group: Group }
  | { kind: 'sent' }
  | { kind: 'verified' }
  | { kind: 'published'; seq: number }
  | { kind: 'abandoned' }
  | { kind: 'retired'; states: LogState[]; seq: number }
  | { kind: 'migration'; migration: Migration }
  | { kind: 'rolledBack'; migration: Migration; kept: LogState[]; seq: number }
  | { kind: 'restored'; editions: LogState[]; seq: number }
  | { kind: 'snapshot'; snapshot: Snapshot }

/** All that a ledger knows between two groups: what stands for everything before it. */
interface Snapshot {
  states: LogState[]
  archived: LogState[]
  migrations: Migration[]
  /** By run and log, as decimal text. */
  tokens: [string, string][]
  batches: number
  seq: number
  generation: number
}

/**
 * What was shipped, fsynced: the truth about how far each log is published. A group goes PLANNED → SENT →
 * VERIFIED → PUBLISHED; one that a crash left halfway is settled by reading back.
 */
export interface Ledger {
  /** Where each log stands. */
  states(): LogState[]
  state(key: string): LogState | undefined
  /** Editions whose content is not on disk any more, but counts. */
  archived(): LogState[]
  /** Published editions of the journal's segments. */
  journalEditions(): LogState[]
  migrations(): Migration[]
  /** Tokens of a log that a run has published. */
  verifiedTokens(run: string, key: string): bigint
  /** Publications and retirements so far: moves whenever what readers may see changes. */
  seq(): number
  /** The next of them: also larger than those of a ledger that was lost. */
  nextSeq(): number
  /** Counts what switched what readers may see: runs that began or ended, retired logs. */
  generation(): number
  /** Whether a log of the store was named by this ledger. */
  isOwn(name: string): boolean
  /** Name of a log's edition in the store. */
  nameOf(edition: Edition): string
  /** The edition of a log that was named by this ledger. */
  parseName(name: string): Edition
  id(): string
  nextBatch(): number
  /** The group that a crash left halfway, and whether it was verified. */
  unsettled(): { group: Group; verified: boolean } | undefined
  plan(group: Group): void
  /** Every statement that writes the group has been answered. */
  sent(): void
  verified(): void
  published(seq: number): void
  abandon(): void
  /** The next editions of logs whose earlier ones were retired. */
  retired(states: LogState[], seq: number): void
  saveMigration(migration: Migration): void
  /** What readers may see was switched by something that is no log: a repair, or what was restored. */
  switched(seq: number): void
  /** Editions that are not on disk count again: they came from a backup. */
  restored(editions: readonly LogState[], seq: number): void
  /** Editions that this ledger had forgotten count as archived; `next` are those with which their logs go on. */
  adopted(editions: readonly LogState[], next: readonly LogState[]): void
  /** The numbers that batches of this ledger may have: the first, and one past the last. */
  batchNumbers(): [from: number, to: number]
  /** A batch with this number was written already, whether the ledger knows of it or not. */
  skipBatch(batch: number): void
  /** Nothing of the transcripts is published any more; `kept` are archived editions whose copies stay as evidence. */
  rolledBack(migration: Migration, kept: readonly LogState[], seq: number): void
  close(): void
}

/** The ledger belongs to another database than the one that it was opened with. */
export class OtherStoreError extends Error {
  readonly code = 'OTHER_DATABASE'
  constructor(path: string) {
    super(
      `${path} was written for another database: give back that database, or move the ledger away to ship everything anew`,
    )
    this.name = 'OtherStoreError'
  }
}

/** A later release wrote the ledger: what it says would be misread. */
export class LaterLedgerError extends Error {
  readonly code = 'LATER_LEDGER'
  constructor(path: string, what: string) {
    super(
      `${path} was written by a later release (${what}): start that release, or give back the ledger from before it`,
    )
    this.name = 'LaterLedgerError'
  }
}

/**
 * 1: without evidence (digests in batches), planned runs and rollbacks. 2: with digests that say no version. What a release reads it reads of all formats up
 * to its own; the first thing that it writes says which that is.
 */
export const LEDGER_FORMAT = 3

/** The run of everything that is shipped outside of a migration. */
export const LIVE = 'live'

/** Batch numbers of a ledger begin with a number of its own, so that they are never used again after it is lost. */
const BATCHES_PER_LEDGER = 2 ** 32
const MAX_LEDGER_NUMBER = 2 ** 20
/** It is written anew when it has grown to this, and to several times what there is to write. */
const COMPACT_BYTES = 16 << 20
const WASTE_FACTOR = 4

/** `store` is the id of the database; `minSeq` a seq that it has already. */
export function openLedger(path: string, store: string, minSeq: number, compactBytes = COMPACT_BYTES): Ledger {
  const states = new Map<string, LogState>()
  const archived: LogState[] = []
  const tokens = new Map<string, bigint>()
  const migrations = new Map<string, Migration>()
  let opened: Extract<Entry, { kind: 'opened' }> | undefined
  let batches = 0
  let seq = minSeq
  let issued = 0
  let generation = 0
  let open: { group: Group; verified: boolean } | undefined

  const publishStates = (group: Group): void => {
    group.states.forEach((state, i) => {
      const of = `${group.run} ${state.key}`
      if (group.run !== LIVE) tokens.set(of, (tokens.get(of) ?? 0n) + BigInt(group.tokens[i] ?? 0))
    })
    for (const state of group.states) {
      const before = states.get(state.key)
      // other content stands at the key now; what was there before stays counted
      if (before !== undefined && before.edition !== state.edition && before.publishedTo > 0) archived.push(before)
      states.set(state.key, state)
    }
  }

  const rollBack = (entry: Extract<Entry, { kind: 'rolledBack' }>): void => {
    for (const state of states.values())
      if (!isJournal(state)) states.set(state.key, { ...state, edition: state.edition + 1, publishedTo: 0 })
    // no rollback touches what came by mutation
    const ofJournal = archived.filter(isJournal)
    archived.splice(0, archived.length, ...ofJournal, ...entry.kept.filter((state) => !isJournal(state)))
    for (const of of tokens.keys()) if (of.startsWith(`${entry.migration.id} `)) tokens.delete(of)
    migrations.set(entry.migration.id, entry.migration)
    seq = Math.max(seq, entry.seq)
    generation++
  }

  const restore = (snapshot: Snapshot): void => {
    for (const state of snapshot.states) states.set(state.key, state)
    archived.push(...snapshot.archived)
    for (const migration of snapshot.migrations) migrations.set(migration.id, migration)
    for (const [of, text] of snapshot.tokens) tokens.set(of, BigInt(text))
    batches = snapshot.batches
    generation = snapshot.generation
    seq = Math.max(seq, snapshot.seq)
  }

  const snapshot = (): Snapshot => ({
    states: [...states.values()],
    archived,
    migrations: [...migrations.values()],
    tokens: [...tokens].map(([of, count]) => [of, String(count)]),
    batches,
    seq,
    generation,
  })

  const apply = (entry: Entry): void => {
    if (entry.kind === 'opened') {
      if ((entry.format ?? 1) > LEDGER_FORMAT) throw new LaterLedgerError(path, `format ${entry.format}`)
      opened = entry
    } else if (entry.kind === 'planned') {
      open = { group: entry.group, verified: false }
      batches += entry.group.batches.length
    } else if (entry.kind === 'sent') {
      // only what is read back counts: this is for whoever looks at the file after a crash
    } else if (entry.kind === 'verified') open = open && { ...open, verified: true }
    else if (entry.kind === 'abandoned') open = undefined
    else if (entry.kind === 'published') {
      if (open !== undefined) publishStates(open.group)
      open = undefined
      seq = Math.max(seq, entry.seq)
    } else if (entry.kind === 'retired') {
      for (const state of entry.states) {
        states.set(state.key, state)
        for (const of of tokens.keys()) if (of.endsWith(` ${state.key}`)) tokens.delete(of)
      }
      seq = Math.max(seq, entry.seq)
      generation++
    } else if (entry.kind === 'restored') {
      archived.push(...entry.editions)
      seq = Math.max(seq, entry.seq)
      generation++
    } else if (entry.kind === 'rolledBack') {
      rollBack(entry)
    } else if (entry.kind === 'snapshot') restore(entry.snapshot)
    else if (entry.kind === 'migration') {
      migrations.set(entry.migration.id, entry.migration)
      generation++
    } else throw new LaterLedgerError(path, (entry as { kind: string }).kind)
  }

  let compactAt = compactBytes
  const file = openLedgerFile(path, (entry) => apply(entry as Entry))
  const write = (entry: Entry): void => {
    file.append(entry)
    apply(entry)
    if (open !== undefined || file.size() < compactAt) return
    file.rewrite([opened, { kind: 'snapshot', snapshot: snapshot() } satisfies Entry])
    compactAt = Math.max(compactBytes, WASTE_FACTOR * file.size())
  }
  if (opened === undefined)
    write({
      kind: 'opened',
      ledger: randomUUID(),
      ledgerNumber: randomInt(1, MAX_LEDGER_NUMBER),
      store,
      format: LEDGER_FORMAT,
    })
  const { ledger, ledgerNumber, store: known } = opened as unknown as Extract<Entry, { kind: 'opened' }>
  if (known !== store) {
    file.close()
    throw new OtherStoreError(path)
  }
  // from here on it holds what a release before could misread
  const first = opened as unknown as Extract<Entry, { kind: 'opened' }>
  if ((first.format ?? 1) < LEDGER_FORMAT) write({ ...first, format: LEDGER_FORMAT })

  return {
    states: () => [...states.values()],
    state: (key) => states.get(key),
    verifiedTokens: (run, key) => tokens.get(`${run} ${key}`) ?? 0n,
    archived: () => archived,
    journalEditions: () =>
      [...states.values(), ...archived].filter((state) => isJournal(state) && state.publishedTo > 0),
    migrations: () => [...migrations.values()],
    seq: () => seq,
    nextSeq: () => (issued = Math.max(seq + 1, issued + 1, Date.now())),
    generation: () => generation,
    id: () => ledger,
    isOwn: (name) => parseLogName(name)?.ledger === ledger,
    nameOf: ({ key, edition }) => formatLogName({ ledger, key, edition }),
    parseName(name) {
      const parsed = parseLogName(name)
      if (parsed?.ledger !== ledger) throw new Error(`${name} is no log of this ledger`)
      return { key: parsed.key, edition: parsed.edition }
    },
    nextBatch: () => ledgerNumber * BATCHES_PER_LEDGER + batches,
    unsettled: () => open,
    plan: (group) => write({ kind: 'planned', group }),
    sent: () => write({ kind: 'sent' }),
    verified: () => write({ kind: 'verified' }),
    published: (next) => write({ kind: 'published', seq: next }),
    abandon: () => write({ kind: 'abandoned' }),
    retired: (next, at) => write({ kind: 'retired', states: next, seq: at }),
    saveMigration: (migration) => write({ kind: 'migration', migration }),
    switched: (at) => write({ kind: 'retired', states: [], seq: at }),
    restored: (editions, at) => write({ kind: 'restored', editions: [...editions], seq: at }),
    adopted(editions, next) {
      write({ kind: 'restored', editions: [...editions], seq })
      write({ kind: 'retired', states: [...next], seq })
    },
    batchNumbers: () => [ledgerNumber * BATCHES_PER_LEDGER, (ledgerNumber + 1) * BATCHES_PER_LEDGER],
    skipBatch(batch) {
      batches = Math.max(batches, batch + 1 - ledgerNumber * BATCHES_PER_LEDGER)
    },
    rolledBack: (migration, kept, at) => write({ kind: 'rolledBack', migration, kept: [...kept], seq: at }),
    close: () => file.close(),
  }
}

const isJournal = ({ key }: LogState): boolean => isJournalKey(key)
