import type { LogState } from '../ports/logs.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { inSpan } from '../ports/spans.ts'
import type { Ledger } from './ledger.ts'
import type { PublicationGate } from './publication-gate.ts'
import { type Change, type Changing, movedBy } from './shared-entries.ts'

/** What a change works on. */
export interface PublicationParts {
  ledger: Ledger
  store: PublicationStore
  gate: Pick<PublicationGate, 'publish'>
  logs: { update(states: readonly LogState[]): Promise<void> }
}

export type PublicationStore = Pick<
  RecordStore,
  | 'publish'
  | 'retire'
  | 'retireBatches'
  | 'electMissing'
  | 'rebuildWinners'
  | 'rebuildSums'
  | 'rollBack'
  | 'publishKept'
  | 'fillSums'
>

/** The one way to change what readers see. */
export type Publish = (changing: Changing) => Promise<void>

/**
 * Announces a change in the database, carries it out there, and notes that it is done, while nobody here reads. Whoever
 * reads elsewhere sees by the announcement that they cannot tell what they see, and whoever takes over carries it out
 * again. It may be repeated.
 */
export const createPublish =
  (parts: PublicationParts): Publish =>
  async (changing) => {
    // one that was announced before and failed goes first: nobody else would ever carry it out
    const left = parts.ledger.announced()
    if (left !== undefined && !isSame(left, changing)) await publishAnnounced(parts)
    await publishInSpan(parts, changing)
  }

/** Carries out what was announced and not noted, by this process or by one before it. Returns what it was. */
export async function publishAnnounced(parts: PublicationParts): Promise<Changing | undefined> {
  const changing = parts.ledger.announced()
  if (changing !== undefined) await publishInSpan(parts, changing)
  return changing
}

const publishInSpan = (parts: PublicationParts, changing: Changing): Promise<void> =>
  inSpan('publish', { kind: changing.change.kind }, () =>
    parts.gate.publish(() => carryOut(parts, changing), switches(changing)),
  )

const isSame = (a: Changing, b: Changing): boolean =>
  JSON.stringify([a.change, a.note]) === JSON.stringify([b.change, b.note])

const switches = ({ note }: Changing): boolean => note.kind !== 'published'

/** What was announced before is announced anew: its number is another one. */
async function carryOut({ ledger, store, logs }: PublicationParts, { change, note }: Changing): Promise<void> {
  const seq = ledger.nextSeq()
  await ledger.announce({ change, note }, seq)
  await apply(store, change, seq)
  await ledger.noted(note, seq)
  await logs.update(movedBy(note, new Map(ledger.states().map((state) => [state.key, state]))))
}

function apply(store: PublicationStore, change: Change, seq: number): Promise<void> {
  switch (change.kind) {
    case 'publish':
      return change.batches.length === 0 ? Promise.resolve() : store.publish(change.batches, seq)
    case 'retire':
      return store.retire(change.logs, seq)
    case 'retireBatches':
      return store.retireBatches(change.batches, seq)
    case 'rollBack':
      return store.rollBack(change.kept, seq)
    default:
      return store[change.kind](seq)
  }
}
