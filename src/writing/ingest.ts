import { randomUUID } from 'node:crypto'
import { BridgeError, invalidArgument } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'
import type { RejectedRecord } from '../domain/rejected-record.ts'
import { EVERYTHING, outsideOf } from '../domain/scope.ts'
import type { IngestEntry, Journal, JournalPlace } from '../ports/journal.ts'
import { createModelsOfCallers, type ModelsOfCallers } from './models-of-callers.ts'
import { createRememberedCalls, type RememberedCall } from './remembered-calls.ts'
import { contentHash, hasContent, type Submission } from './submission.ts'
import { toldMistakes } from './told-mistakes.ts'
import { type ValidatedRecord, validateRecord } from './validate-record.ts'

export const MAX_RECORDS = LIMITS.ingestRecords.value
const MAX_KEY_LENGTH = LIMITS.nameLength.value

export interface IngestResult {
  accepted: number
  /** Records that were refused: those of the call that are not `accepted`. */
  rejectedCount: number
  /** Of each refused record at least one mistake. */
  rejected: RejectedRecord[]
  /** `null` where nothing was accepted. */
  durability: 'STORED' | 'JOURNALED' | null
  replayed: boolean
  /** Refused records that the caller may not write. */
  outOfScope: number
  /** Accepted ones that do not count, since others brought them in before with other figures: once they are counted. */
  conflicts: Promise<number>
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
  /** Records of an entry that conflict with what others brought in; absent: nobody says. */
  conflictsOf?: (place: JournalPlace) => Promise<number>
  /** Whether an entry is known to all, so that the same call needs no other one; absent: each is. */
  isAcknowledged?: (place: JournalPlace) => boolean
  /** Whether what was accepted before leaves room for more to be counted. */
  hasRoom?: () => boolean
  /** Throws where the disk has no room for what is to be kept. */
  requireDisk?: () => Promise<void>
  now?: () => number
  /** Of calls that are remembered by their keys. A forgotten one counts nothing twice: identities follow from keys. */
  maxRememberedBytes?: number
}

/** The one validated way in: validate → journal (fsync) → acknowledge. */
export function createIngest(options: IngestOptions): Ingest {
  const { journal, whenStored, hasRoom = () => true, now = Date.now, isAcknowledged = () => true } = options
  const calls = createRememberedCalls(options.maxRememberedBytes ?? LIMITS.rememberedBytes.value)
  const models = createModelsOfCallers()
  const inFlight = new Map<string, Promise<unknown>>()
  const durabilityOf = async (place: JournalPlace) => ((await whenStored(place)) ? 'STORED' : 'JOURNALED')

  const submit = async (submission: Submission): Promise<IngestResult> => {
    const { caller, idempotencyKey, records } = submission
    const known = idempotencyKey === undefined ? undefined : calls.find(caller, idempotencyKey)
    if (known !== undefined && !hasContent(known.contentHash, records)) throw conflict()
    const validated = validate(submission, idempotencyKey ?? randomUUID())
    // what another instance wrote and did not acknowledge is journaled here, too: it counts once
    if (known !== undefined && isAcknowledged(known.place)) {
      const refusesModel = (model: string): boolean => models.refuses(caller, model)
      const answer = firstAnswer(known, validated, refusesModel)
      return { ...answer, durability: await durabilityOf(known.place), replayed: true, conflicts: NO_CONFLICTS }
    }
    const { judged, fresh } = judgeModels(validated, caller, models)
    const accepted = judged.flatMap((result) => ('record' in result ? [result.record] : []))
    const mistakes = judged.flatMap((result) => ('mistakes' in result ? [result.mistakes] : []))
    const answer = { accepted: accepted.length, ...refusedBy(mistakes) }
    if (accepted.length === 0) return { ...answer, durability: null, replayed: false, conflicts: NO_CONFLICTS }
    const entry: IngestEntry = {
      kind: 'ingest',
      at: now(),
      caller,
      idempotencyKey,
      // without a key there is nothing to compare a repeat with
      contentHash: idempotencyKey === undefined ? '' : contentHash(records),
      records: accepted,
      refused: judged.flatMap((result, index) => ('mistakes' in result ? [index] : [])),
    }
    const place = await journal.append(entry).catch((error: unknown) => {
      models.release(caller, fresh)
      throw error
    })
    const conflicts = conflictsAt(place, options)
    return { ...answer, durability: await durabilityOf(place), replayed: false, conflicts }
  }

  return {
    async submit(submission) {
      const { caller, idempotencyKey, records } = submission
      if (!hasRoom()) throw new BridgeError('OVERLOADED', 'too many records wait to be counted: try again')
      if (records.length > MAX_RECORDS)
        throw invalidArgument('input.records', `has ${records.length} records, at most ${MAX_RECORDS} are allowed`)
      await options.requireDisk?.()
      if (idempotencyKey === undefined) return submit(submission)
      if (idempotencyKey === '' || !isPlainText(idempotencyKey, MAX_KEY_LENGTH))
        throw invalidArgument(
          'input.idempotencyKey',
          `must have 1 to ${MAX_KEY_LENGTH} characters, and none that control or cannot be seen`,
        )
      // one call at a time under one key, so that two at once are not both the first
      const name = nameOf(caller, idempotencyKey)
      const before = inFlight.get(name)
      const turn = (before ?? Promise.resolve()).catch(() => undefined).then(() => submit(submission))
      inFlight.set(name, turn)
      try {
        return await turn
      } finally {
        if (inFlight.get(name) === turn) inFlight.delete(name)
      }
    },
    remember(entry, place) {
      calls.remember(entry, place)
      models.remember(entry)
    },
  }
}

const NO_CONFLICTS = Promise.resolve(0)

function conflictsAt(place: JournalPlace, { conflictsOf = () => NO_CONFLICTS }: IngestOptions): Promise<number> {
  const conflicts = conflictsOf(place)
  // it is waited for later, if at all
  conflicts.catch(() => undefined)
  return conflicts
}

/** What an answer says of refused records, by the mistakes of each. */
const refusedBy = (mistakes: RejectedRecord[][]): Pick<IngestResult, 'rejectedCount' | 'rejected' | 'outOfScope'> => ({
  rejectedCount: mistakes.length,
  rejected: toldMistakes(mistakes),
  outOfScope: mistakes.filter((of) => of.some(({ code }) => code === 'OUT_OF_SCOPE')).length,
})

function validate({ caller, scopes = EVERYTHING, records }: Submission, key: string): ValidatedRecord[] {
  const defaults = { caller, user: caller, key, outside: outsideOf(scopes) }
  return records.map((record, index) => validateRecord(record, index, defaults))
}

/** Names a key of a caller; the length keeps the two apart. */
const nameOf = (caller: string, key: string): string => `${caller.length}:${caller}:${key}`

/** Refuses those of a model too many; `fresh` are the models that are new with these records. */
function judgeModels(
  validated: readonly ValidatedRecord[],
  caller: string,
  models: ModelsOfCallers,
): { judged: ValidatedRecord[]; fresh: string[] } {
  const fresh: string[] = []
  const judged = validated.map((result, index) => {
    if ('mistakes' in result) return result
    const { model } = result.record
    const admitted = models.admit(caller, model)
    if (admitted === 'new') fresh.push(model)
    return admitted === false ? { mistakes: [tooManyModels(index)] } : result
  })
  return { judged, fresh }
}

/** The same records give the same mistakes; which of them were refused is what the first answer said. */
function firstAnswer(
  { accepted, refused }: RememberedCall,
  validated: readonly ValidatedRecord[],
  refusesModel: (model: string) => boolean,
): Pick<IngestResult, 'accepted' | 'rejectedCount' | 'rejected' | 'outOfScope'> {
  const mistakes = refused.map((index): RejectedRecord[] => {
    const result = validated[index]
    if (result !== undefined && 'mistakes' in result) return result.mistakes
    if (result !== undefined && refusesModel(result.record.model)) return [tooManyModels(index)]
    // by rules that have changed since
    const message = 'the record was refused when it was sent first'
    return [{ index, code: 'invalid_text', field: '', message }]
  })
  return { accepted, ...refusedBy(mistakes) }
}

const tooManyModels = (index: number): RejectedRecord => ({
  index,
  code: 'too_many_models',
  field: 'model',
  message: `model is one more than the ${LIMITS.modelsOfIngester.shown} different ones that one ingester may bring in`,
})

const conflict = (): BridgeError =>
  new BridgeError('IDEMPOTENCY_CONFLICT', 'input.idempotencyKey was used for other records', {
    argument: 'input.idempotencyKey',
  })
