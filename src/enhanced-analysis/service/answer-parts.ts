import { setImmediate as immediate } from 'node:timers/promises'
import { deserialize, serialize } from 'node:v8'
import { SUMS, type SumField } from '../../domain/token-counts.ts'
import type { TokenAnswer, UsageSums } from '../../domain/token-query.ts'
import type { Work } from '../../domain/work.ts'
import type { SourceAnswer } from '../../ports/token-source.ts'

// An answer of 100,000 sums takes 100 ms to be read from a message, all at once: so it comes as bytes, in parts
// that are read one after the other, and the event loop goes on in between.

/** Sums in one part: well below a millisecond of reading. */
const PART_SUMS = 1000
const PLACE = Object.fromEntries(SUMS.map((field, i) => [field, i])) as Record<SumField, number>

/** An answer whose lists are in `parts`. */
export type InParts<A extends SourceAnswer> = A & { parts: Uint8Array[] }

/** The whole, the sessions, or the groups of a grouping. */
type Section = 'whole' | 'sessions' | { groups: string }
interface Item {
  usage: UsageSums[]
}

/** Some items of one section of one answer, their sums as columns. */
interface Part {
  /** Number of the answer, or -1 for the quality. */
  answer: number
  section: Section
  /** Items without their sums; `undefined` for more sums of the item before. */
  items: (Item | undefined)[]
  /** How many sums each of the items has here. */
  lengths: number[]
  /** The models of the part, and for each sum the number of its model. */
  models: string[]
  model: Uint32Array
  tier: Uint8Array
  /** `SUMS` of each sum; as bigints where one does not fit a number. */
  counts: Float64Array | bigint[]
}

export function* inParts<A extends SourceAnswer>(answer: A): Work<InParts<A>> {
  const parts: Uint8Array[] = []
  for (const [i, one] of answer.answers.entries()) {
    yield* split(i, 'whole', [{ usage: one.whole }], parts)
    yield* split(i, 'sessions', one.sessions ?? [], parts)
    for (const [groups, list] of Object.entries(one.groups)) yield* split(i, { groups }, list, parts)
  }
  if (answer.quality !== undefined) yield* split(-1, 'whole', [{ usage: answer.quality.whole }], parts)
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
  // one text for all sums of a model
  const texts = new Map<string, string>()
  for (const [i, bytes] of parts.entries()) {
    if (i > 0) await immediate()
    const part = deserialize(bytes) as Part
    const to = (part.answer < 0 ? answer.quality : answer.answers[part.answer]) as TokenAnswer
    const list = listOf(to, part.section)
    const sums = sumsOf(part, texts)
    for (const [n, item] of part.items.entries()) {
      if (item !== undefined && part.section !== 'whole') list.push(item)
      const { usage } = list.at(-1) as Item
      for (let count = part.lengths[n] as number; count > 0; count--) usage.push(sums.next().value as UsageSums)
    }
  }
  return answer
}

function listOf(answer: TokenAnswer, section: Section): Item[] {
  if (section === 'whole') return [{ usage: answer.whole }]
  return (section === 'sessions' ? answer.sessions : answer.groups[section.groups]) as Item[]
}

function* sumsOf({ models, model, tier, counts }: Part, texts: Map<string, string>): Generator<UsageSums> {
  const own = models.map((text) => {
    if (!texts.has(text)) texts.set(text, text)
    return texts.get(text) as string
  })
  // most counts of cache creation are 0: it is one and the same
  const count = (at: number): bigint => (counts[at] === 0 ? 0n : BigInt(counts[at] as number | bigint))
  for (let i = 0; i < model.length; i++) {
    const at = i * SUMS.length
    yield {
      model: own[model[i] as number] as string,
      tier: tier[i] as number,
      input: count(at + PLACE.input),
      output: count(at + PLACE.output),
      cacheRead: count(at + PLACE.cacheRead),
      cacheCreation5m: count(at + PLACE.cacheCreation5m),
      cacheCreation1h: count(at + PLACE.cacheCreation1h),
      records: count(at + PLACE.records),
    }
  }
}

function* split(answer: number, section: Section, items: readonly Item[], parts: Uint8Array[]): Work<void> {
  let heads: Part['items'] = []
  let lengths: number[] = []
  let sums: UsageSums[] = []
  const close = (): void => {
    parts.push(serialize({ answer, section, items: heads, lengths, ...columnsOf(sums) } satisfies Part))
    heads = []
    lengths = []
    sums = []
  }
  for (const item of items) {
    heads.push({ ...item, usage: [] })
    for (let from = 0; ; ) {
      const some = item.usage.slice(from, from + PART_SUMS - sums.length)
      lengths.push(some.length)
      sums.push(...some)
      from += some.length
      if (from === item.usage.length) break
      close()
      yield
      heads.push(undefined)
    }
    if (sums.length < PART_SUMS && heads.length < PART_SUMS) continue
    close()
    yield
  }
  if (heads.length > 0) close()
}

function columnsOf(sums: readonly UsageSums[]): Pick<Part, 'models' | 'model' | 'tier' | 'counts'> {
  const numbers = new Map<string, number>()
  const numberOf = (text: string): number => {
    const number = numbers.get(text) ?? numbers.size
    numbers.set(text, number)
    return number
  }
  const model = new Uint32Array(sums.length)
  const tier = new Uint8Array(sums.length)
  const counts = new Float64Array(sums.length * SUMS.length)
  let fits = true
  sums.forEach((one, i) => {
    model[i] = numberOf(one.model)
    tier[i] = one.tier
    for (let j = 0; j < SUMS.length; j++) {
      const count = Number(one[SUMS[j] as SumField])
      counts[i * SUMS.length + j] = count
      fits &&= count <= Number.MAX_SAFE_INTEGER
    }
  })
  const exact = (): bigint[] => sums.flatMap((one) => SUMS.map((name) => one[name]))
  return { models: [...numbers.keys()], model, tier, counts: fits ? counts : exact() }
}

function withoutItems(answer: TokenAnswer): TokenAnswer {
  const groups = Object.fromEntries(Object.keys(answer.groups).map((grouping) => [grouping, []]))
  return { ...answer, whole: [], groups, ...(answer.sessions === undefined ? {} : { sessions: [] }) }
}
