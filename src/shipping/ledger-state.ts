import { isJournalKey } from '../domain/log-name.ts'
import type { Migration } from '../domain/migration.ts'
import type { LogState } from '../ports/logs.ts'
import { type Entry, type EntryOf, type Group, NO_RUN, type Snapshot } from './ledger-entries.ts'

/** What the entries of a ledger come to, one applied after the other. */
export interface LedgerState {
  opened: EntryOf<'opened'> | undefined
  /** Where each log stands, by its key. */
  states: Map<string, LogState>
  /** Editions whose content is not on disk any more, but counts. */
  archived: LogState[]
  /** By id, in the order in which they began. */
  migrations: Map<string, Migration>
  /** Tokens that a run has published of a log, by `RUN KEY`. */
  tokens: Map<string, bigint>
  /** Numbers of batches that were used. */
  batches: number
  /** The largest that was published. */
  seq: number
  generation: number
  /** The group that is on its way. */
  unsettled: { group: Group; verified: boolean } | undefined
}

export const emptyState = (seq: number): LedgerState => ({
  opened: undefined,
  states: new Map(),
  archived: [],
  migrations: new Map(),
  tokens: new Map(),
  batches: 0,
  seq,
  generation: 0,
  unsettled: undefined,
})

export function applyEntry(state: LedgerState, entry: Entry): void {
  const apply = APPLY[entry.kind] as (state: LedgerState, entry: Entry) => void
  apply(state, entry)
  if ('seq' in entry) state.seq = Math.max(state.seq, entry.seq)
}

const APPLY: { [Kind in Entry['kind']]: (state: LedgerState, entry: EntryOf<Kind>) => void } = {
  opened(state, entry) {
    state.opened = entry
  },
  planned(state, { group }) {
    state.unsettled = { group, verified: false }
    state.batches += group.batches.length
  },
  // nothing follows from it: whether a group arrived is found by reading back
  sent: () => undefined,
  verified(state) {
    if (state.unsettled !== undefined) state.unsettled = { ...state.unsettled, verified: true }
  },
  published(state) {
    if (state.unsettled !== undefined) publishGroup(state, state.unsettled.group)
    state.unsettled = undefined
  },
  abandoned(state) {
    state.unsettled = undefined
  },
  retired(state, { states }) {
    for (const next of states) {
      state.states.set(next.key, next)
      forgetTokens(state, (of) => of.endsWith(` ${next.key}`))
    }
    state.generation++
  },
  registered(state, { states }) {
    for (const log of states) {
      // of what is carried again nothing counts as verified
      if (log.publishedTo < (state.states.get(log.key)?.publishedTo ?? 0))
        forgetTokens(state, (of) => of.endsWith(` ${log.key}`))
      state.states.set(log.key, log)
    }
    state.generation++
  },
  migration(state, { migration }) {
    state.migrations.set(migration.id, migration)
    state.generation++
  },
  rolledBack(state, { migration, kept }) {
    for (const log of state.states.values())
      if (!isJournal(log)) state.states.set(log.key, { ...log, edition: log.edition + 1, publishedTo: 0 })
    // no rollback touches what came by mutation
    state.archived = [...state.archived.filter(isJournal), ...kept.filter((log) => !isJournal(log))]
    forgetTokens(state, (of) => of.startsWith(`${migration.id} `))
    state.migrations.set(migration.id, migration)
    state.generation++
  },
  restored(state, { editions }) {
    state.archived.push(...editions)
    state.generation++
  },
  snapshot(state, { snapshot }) {
    for (const log of snapshot.states) state.states.set(log.key, log)
    state.archived.push(...snapshot.archived)
    for (const migration of snapshot.migrations) state.migrations.set(migration.id, migration)
    for (const [of, tokens] of snapshot.tokens) state.tokens.set(of, BigInt(tokens))
    state.batches = snapshot.batches
    state.generation = snapshot.generation
    state.seq = Math.max(state.seq, snapshot.seq)
  },
}

export function publishGroup(state: LedgerState, { run, states, tokens }: Group): void {
  states.forEach((next, i) => {
    const of = tokensOf(run, next.key)
    if (run !== NO_RUN) state.tokens.set(of, (state.tokens.get(of) ?? 0n) + BigInt(tokens[i] ?? 0))
    const before = state.states.get(next.key)
    // other content stands at the key now; what was there before stays counted
    if (before !== undefined && before.edition !== next.edition && before.publishedTo > 0) state.archived.push(before)
    state.states.set(next.key, next)
  })
}

function forgetTokens({ tokens }: LedgerState, which: (of: string) => boolean): void {
  for (const of of tokens.keys()) if (which(of)) tokens.delete(of)
}

/** The name under which `LedgerState.tokens` has the tokens of a log in a run. */
export const tokensOf = (run: string, key: string): string => `${run} ${key}`

export const isJournal = ({ key }: LogState): boolean => isJournalKey(key)

/** Not while a group is on its way. */
export const snapshotOf = (state: LedgerState): Snapshot => ({
  states: [...state.states.values()],
  archived: state.archived,
  migrations: [...state.migrations.values()],
  tokens: [...state.tokens].map(([of, count]) => [of, String(count)]),
  batches: state.batches,
  seq: state.seq,
  generation: state.generation,
})
