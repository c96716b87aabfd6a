import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { COHORTS } from '../ports/flags.ts'
import { ALERT_EVENTS, type StateEntry } from '../ports/journal.ts'
import type { StateRow, StateTable } from '../ports/state-table.ts'
import { againAndAgain } from '../turns/again-and-again.ts'

/**
 * Preferences, access and the guard, told by each instance in the database: to those that do not share its journal, and for a
 * journal that is lost. What an entry says does not depend on the order in which entries come, so any of them may be told
 * and learned more than once.
 */
export interface SharedState {
  /** Tells an entry of the journal as soon as the database can be asked, where nobody has told it. */
  add(entry: StateEntry): void
  /** Learns what was told and tells what was not, from now on; returns how to stop. */
  join(table: StateTable): () => Promise<void>
  /** Up to when everything that others told is known, in milliseconds since 1970; `undefined` before the first look. */
  heardUntil(): number | undefined
}

export interface SharedStateOptions {
  /** Hears of each entry that is told in the database. */
  learn(entry: StateEntry): void
  /** Something is told there that cannot be read. */
  onUnreadable(id: string): void
  /** Settles when the own journal was read: what it has was told before, for the most part. */
  whenRead: () => Promise<void>
  /** Nobody else can tell anything: it is looked once. */
  isAlone: boolean
}

/** Between two looks, and between two attempts to tell: what is revoked counts within a second. */
const LOOK_MS = 250
/** How long the end waits for a database that does not answer. */
const END_MS = 1000
/** What was told at the same time as the last look may come into sight after it. */
const OVERLAP_MS = 60_000
/** Entries that are told by one statement. */
const AT_ONCE = 1000

export function createSharedState({ learn, onUnreadable, whenRead, isAlone }: SharedStateOptions): SharedState {
  /** By id: what is not known to be there. */
  const untold = new Map<string, string>()
  let heardUntil: number | undefined

  const look = async (table: StateTable, since: number): Promise<number> => {
    const rows = await table.since(since)
    for (const row of rows) {
      untold.delete(row.id)
      const entry = readEntry(row)
      if (entry === undefined) onUnreadable(row.id)
      else learn(entry)
    }
    return rows.at(-1)?.told ?? since
  }
  const tell = async (table: StateTable): Promise<void> => {
    while (untold.size > 0) {
      const some = [...untold].slice(0, AT_ONCE)
      await table.add(some.map(([id, entry]) => ({ id, entry })))
      for (const [id] of some) untold.delete(id)
    }
  }

  return {
    add(entry) {
      const text = JSON.stringify(entry)
      untold.set(createHash('sha256').update(text).digest('hex'), text)
    },
    join(table) {
      let lookedTo: number | undefined
      const step = async (): Promise<void> => {
        await whenRead().catch(() => undefined)
        const startedAt = Date.now()
        if (lookedTo === undefined) lookedTo = await look(table, 0)
        else if (!isAlone) lookedTo = Math.max(lookedTo, await look(table, Math.max(0, lookedTo - OVERLAP_MS)))
        heardUntil = startedAt
        await tell(table)
      }
      // where the database is away, the next look finds what came meanwhile
      const stop = againAndAgain(step, LOOK_MS)
      return async () => {
        await stop(END_MS)
        // what came since the last step
        await Promise.race([tell(table).catch(() => undefined), sleep(END_MS, undefined, { ref: false })])
      }
    },
    heardUntil: () => heardUntil,
  }
}

type EntryOf<Kind extends StateEntry['kind']> = Extract<StateEntry, { kind: Kind }>

/** What is told of an entry: every member of it, which the compiler asks for. */
const entryOf = <Kind extends StateEntry['kind']>(
  kind: Kind,
  shape: { [Member in Exclude<keyof Required<EntryOf<Kind>>, 'kind'>]: z.ZodType<EntryOf<Kind>[Member]> },
): z.ZodType<EntryOf<Kind>> => z.object({ kind: z.literal(kind), ...shape }) as unknown as z.ZodType<EntryOf<Kind>>

const at = z.number().int().nonnegative()
const text = z.string()
const cohort = z.enum(COHORTS)
const names = z.array(text).optional()
const SCOPE = z.object({ users: names, projects: names, hosts: names })
const ENTRIES: { [Kind in StateEntry['kind']]: z.ZodType<EntryOf<Kind>> } = {
  preference: entryOf('preference', { at, userId: text, preference: z.enum(['AUTO', 'LEGACY', 'CLICKHOUSE']) }),
  experiment: entryOf('experiment', {
    at,
    writer: text,
    number: at,
    day: text,
    share: z.number().nullable(),
    users: z.array(z.tuple([text, cohort, z.array(z.number())])),
    latencies: z.partialRecord(cohort, z.array(z.number())),
  }),
  guard: entryOf('guard', {
    at,
    by: text,
    tripped: z.boolean(),
    reason: text,
    automatic: z.literal(true).optional(),
  }),
  mismatch: entryOf('mismatch', {
    at,
    id: text,
    field: text,
    control: text,
    candidate: text,
    confirmed: z.boolean(),
    question: text,
  }),
  alert: entryOf('alert', {
    at,
    instance: text,
    name: text,
    event: z.enum(ALERT_EVENTS),
    text,
    by: text.optional(),
    severity: z.enum(['MEDIUM', 'HIGH', 'CRITICAL']).optional(),
    since: at.optional(),
    of: text.optional(),
    level: at.optional(),
    told: text.optional(),
    until: at.optional(),
    values: z.record(text, z.number()).optional(),
  }),
  'machine-token': entryOf('machine-token', {
    at,
    by: text,
    id: text,
    userId: text,
    roles: z.array(text),
    access: z.array(SCOPE).optional(),
    note: text.optional(),
    expiresAt: at,
  }),
  revocation: entryOf('revocation', {
    at,
    by: text,
    userId: text.optional(),
    tokenId: text.optional(),
    made: z.boolean().optional(),
    reason: text,
  }),
}
const ENTRY = z.union(Object.values(ENTRIES) as [z.ZodType<StateEntry>])

/** `undefined` where it was written by a later release, or by something else. */
function readEntry({ entry }: StateRow): StateEntry | undefined {
  try {
    return ENTRY.safeParse(JSON.parse(entry)).data
  } catch {
    return undefined
  }
}
