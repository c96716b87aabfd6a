import { BridgeError } from '../domain/errors.ts'
import { IDENTITY_BYTES } from '../domain/identity.ts'
import type { Edition } from '../domain/log-name.ts'
import type { PlacedCopy } from '../domain/token-record.ts'
import type { PublishedRecords, StatementTurn } from '../ports/record-store.ts'
import type { SourceRequest, UnpublishedAnswer, UnpublishedRecords } from '../ports/token-source.ts'
import { eachGivingWay } from '../turns/pace.ts'

export interface BeyondParts {
  files: UnpublishedRecords
  published: Pick<PublishedRecords, 'copiesIn'>
  /** Names of the published logs whose copies this disk has not, or not all of, with those that it says it is lacking. */
  logsBeyond: (lacking: readonly Edition[]) => Promise<string[]>
}

/** Each round but the first is for what came to disk during the one before, and has copies that this disk has not. */
const MAX_ROUNDS = 5

/**
 * What the files say of the identities that are not all published, where published copies that this disk has not take
 * part (rule 10): so the winner is the one that ClickHouse will have once everything is shipped. The files are asked
 * again with such copies until none turns up that they did not know. Nothing may be published meanwhile. Throws
 * SOURCE_UNAVAILABLE where that does not end.
 */
export async function askWithCopiesBeyond(
  { files, published, logsBeyond }: BeyondParts,
  request: SourceRequest,
  caller: string,
  inTurn: StatementTurn,
): Promise<UnpublishedAnswer> {
  let beyond: PlacedCopy[] = []
  let asked: { identities: Uint8Array; logs: ReadonlySet<string> } = { identities: new Uint8Array(0), logs: new Set() }
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const answer = await files.answerUnpublished({ ...request, beyond }, caller)
    const { identities, lacking } = answer
    const logs = identities.length === 0 ? [] : await logsBeyond(lacking)
    if (logs.length === 0) return answer
    const areKnown = logs.every((name) => asked.logs.has(name))
    // where one of the logs was not asked, all identities may have copies in it
    const fresh = areKnown ? await without(identities, asked.identities) : identities
    const copies = await published.copiesIn(logs, fresh, inTurn)
    if (copies.length === 0) return answer
    beyond = areKnown ? [...beyond, ...copies] : copies
    asked = { identities, logs: new Set(logs) }
  }
  throw new BridgeError('SOURCE_UNAVAILABLE', 'more and more records come to disk of which ClickHouse has other copies')
}

/** Identities but for some others: 16 bytes each. */
async function without(identities: Uint8Array, others: Uint8Array): Promise<Uint8Array> {
  const known = new Set<string>()
  await eachGivingWay(eachIdentity(others), (identity) => known.add(identity))
  const left: string[] = []
  await eachGivingWay(eachIdentity(identities), (identity) => {
    if (!known.has(identity)) left.push(identity)
  })
  return Buffer.from(left.join(''), 'latin1')
}

function* eachIdentity(bytes: Uint8Array): Iterable<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < buffer.length; at += IDENTITY_BYTES) yield buffer.toString('latin1', at, at + IDENTITY_BYTES)
}
