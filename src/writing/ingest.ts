import { randomUUID } from 'node:crypto'
import { BridgeError, invalidArgument } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { RejectedRecord } from '../domain/rejected-record.ts'
import type { IngestEntry, Journal, JournalPlace } from '../ports/journal.ts'
import { contentHash, type Submission } from './submission.ts'
import { validateRecord } from './validate-record.ts'

export const MAX_RECORDS = LIMITS.ingestRecords.value
const MAX_KEY_LENGTH = 200
/** Idempotency keys that are remembered. A forgotten one still counts nothing twice: identities follow from keys. */
const MAX_REMEMBERED = 200_000

export interface IngestResult {
  accepted: number
  rejected: RejectedRecord[]
  /** `null` where nothing was accepted. */
  durability: 'STORED' | 'JOURNALED' | null
  replayed: boolean
}

export interface Ingest {
  submit(submission: Submission): Promise<IngestResult>
  /** Learns of an entry of the journal: at the start, and of each one that is appended. */
  remember(entry: IngestEntry, place: JournalPlace): void
}

export interface IngestOptions {
  journal: Journal
  /** Settles with whether the entry was published within a short wait. */
  whenStored: (place: JournalPlace) => Promise<boolean>
  now?: () => number
}

/** The one validated way in: validate → journal (fsync) → acknowledge. */
export function createIngest({ journal, whenStored, now = Date.now }: IngestOptions): Ingest {
  const remembered = new Map<string, Answered>()
  const inFlight = new Map<string, Promise<unknown>>()

  const submit = async (submission: Submission, hash: string): Promise<IngestResult> => {
    const { caller, idempotencyKey, records } = submission
    const known = idempotencyKey === undefined ? undefined : remembered.get(nameOf(caller, idempotencyKey))
    if (known !== undefined) return replay(known, hash, whenStored)
    const key = idempotencyKey ?? randomUUID()
    const validated = records.map((record, index) => validateRecord(record, index, { caller, user: caller, key }))
    const accepted = validated.flatMap((result) => ('record' in result ? [result.record] : []))
    const rejected = validated.flatMap((result) => ('mistakes' in result ? result.mistakes : []))
    if (accepted.length === 0) return { accepted: 0, rejected, durability: null, replayed: false }
    const place = await journal.append({
      kind: 'ingest',
      at: now(),
      caller,
      idempotencyKey,
      contentHash: hash,
      records: accepted,
      rejected,
    })
    const durability = (await whenStored(place)) ? 'STORED' : 'JOURNALED'
    return { accepted: accepted.length, rejected, durability, replayed: false }
  }

  return {
    async submit(submission) {
      const { caller, idempotencyKey, records } = submission
      if (records.length > MAX_RECORDS)
        throw invalidArgument('input.records', `has ${records.length} records, at most ${MAX_RECORDS} are allowed`)
      // without a key there is nothing to compare a repeat with
      if (idempotencyKey === undefined) return submit(submission, '')
      if (idempotencyKey.length < 1 || idempotencyKey.length > MAX_KEY_LENGTH)
        throw invalidArgument('input.idempotencyKey', `must have 1 to ${MAX_KEY_LENGTH} characters`)
      // one call at a time under one key, so that two at once are not both the first
      const name = nameOf(caller, idempotencyKey)
      const before = inFlight.get(name)
      const turn = (before ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => submit(submission, contentHash(records)))
      inFlight.set(name, turn)
      try {
        return await turn
      } finally {
        if (inFlight.get(name) === turn) inFlight.delete(name)
      }
    },
    remember(entry, place) {
      if (entry.idempotencyKey === undefined) return
      const name = nameOf(entry.caller, entry.idempotencyKey)
      // another instance may have had the same call: the first one is the answer
      if (remembered.has(name)) return
      if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string)
      const { contentHash: hash, records, rejected } = entry
      remembered.set(name, { hash, accepted: records.length, rejected, place })
    },
  }
}

interface Answered {
  hash: string
  accepted: number
  rejected: RejectedRecord[]
  place: JournalPlace
}

async function replay(known: Answered, hash: string, whenStored: IngestOptions['whenStored']): Promise<IngestResult> {
  if (known.hash !== hash)
    throw new BridgeError('IDEMPOTENCY_CONFLICT', 'input.idempotencyKey was used for other records', {
      argument: 'input.idempotencyKey',
    })
  const durability = (await whenStored(known.place)) ? 'STORED' : 'JOURNALED'
  return { accepted: known.accepted, rejected: known.rejected, durability, replayed: true }
}

const nameOf = (caller: string, key: string): string => `${caller.length}:${caller}:${key}`
