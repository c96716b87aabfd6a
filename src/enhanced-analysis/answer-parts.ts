import { setImmediate as immediate } from 'node:timers/promises'
import { deserialize, serialize } from 'node:v8'
import type { KeyedUsage, TokenAnswer, UsageSums } from '../domain/token-query.ts'
import type { SourceAnswer } from '../ports/token-source.ts'
import type { Work } from './work.ts'

// An answer of 100,000 sums takes 100 ms to be read from a message, all at once: so it comes as bytes, in parts
// that are read one after the other, and the event loop goes on in between.

/** Sums in one part: some 2 ms of reading. */
const PART_SUMS = 1000

/** An answer whose lists are in `parts`. */
export type InParts<A extends SourceAnswer> = A & { parts: Uint8Array[] }

const SECTIONS = ['whole', 'byProject', 'byUser', 'bySession', 'bySlot'] as const
type Section = (typeof SECTIONS)[number]
type Item = UsageSums | { usage: UsageSums[] }
/** An item, or more sums of the item before it. */
type Piece = Item | { more: UsageSums[] }

/** Some of one section of one answer. */
interface Part {
  /** Number of the answer, or -1 for the quality. */
  answer: number
  section: Section
  pieces: Piece[]
}

export function* inParts<A extends SourceAnswer>(answer: A): Work<InParts<A>> {
  const parts: Uint8Array[] = []
  for (const [i, one] of answer.answers.entries())
    for (const section of SECTIONS) if (one[section] !== undefined) yield* split(i, section, one[section], parts)
  if (answer.quality !== undefined) yield* split(-1, 'whole', answer.quality.whole, parts)
  return {
    ...answer,
    answers: answer.answers.map(withoutItems),
    quality: answer.quality === undefined ? undefined : { ...answer.quality, whole: [] },
    parts,
  }
}

/** Puts the answer together again, a part at a time. */
export async function joined<A extends SourceAnswer>({ parts, ...rest }: InParts<A>): Promise<A> {
  const answer = rest as unknown as A
  for (const [i, bytes] of parts.entries()) {
    if (i > 0) await immediate()
    const part = deserialize(bytes) as Part
    const to = part.answer < 0 ? answer.quality : answer.answers[part.answer]
    const list = (to as TokenAnswer | undefined)?.[part.section] as Item[]
    for (const piece of part.pieces) {
      if (!('more' in piece)) list.push(piece)
      else for (const sums of piece.more) (list.at(-1) as KeyedUsage).usage.push(sums)
    }
  }
  return answer
}

function* split(answer: number, section: Section, items: readonly Item[], parts: Uint8Array[]): Work<void> {
  let pieces: Piece[] = []
  let sums = 0
  for (const piece of piecesOf(items)) {
    pieces.push(piece)
    sums += 'usage' in piece ? piece.usage.length : 'more' in piece ? piece.more.length : 1
    if (sums < PART_SUMS) continue
    parts.push(serialize({ answer, section, pieces } satisfies Part))
    pieces = []
    sums = 0
    yield
  }
  if (pieces.length > 0) parts.push(serialize({ answer, section, pieces } satisfies Part))
}

/** Pieces of at most `PART_SUMS` sums. */
function* piecesOf(items: readonly Item[]): Iterable<Piece> {
  for (const item of items) {
    if (!('usage' in item) || item.usage.length <= PART_SUMS) {
      yield item
      continue
    }
    yield { ...item, usage: item.usage.slice(0, PART_SUMS) }
    for (let from = PART_SUMS; from < item.usage.length; from += PART_SUMS)
      yield { more: item.usage.slice(from, from + PART_SUMS) }
  }
}

function withoutItems(answer: TokenAnswer): TokenAnswer {
  const empty = { ...answer }
  for (const section of SECTIONS) if (empty[section] !== undefined) empty[section] = []
  return empty
}
