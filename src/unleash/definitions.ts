import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { Unleash } from 'unleash-client'
import { z } from 'zod'

export type Repository = NonNullable<ConstructorParameters<typeof Unleash>[0]['repository']>
export type Feature = NonNullable<ReturnType<Repository['getToggle']>>
type Segment = NonNullable<ReturnType<Repository['getSegment']>>

const VARIANTS = z.array(z.looseObject({ name: z.string(), weight: z.number().min(0) })).nullish()
const NAMED = z.looseObject({ name: z.string() })
const FEATURE = NAMED.extend({
  enabled: z.boolean(),
  strategies: z.array(
    NAMED.extend({
      constraints: z.array(z.looseObject({ contextName: z.string(), operator: z.string() })).nullish(),
      segments: z.array(z.number()).nullish(),
      variants: VARIANTS,
    }),
  ),
  variants: VARIANTS,
})
const SEGMENT = z.looseObject({ id: z.number(), constraints: z.array(z.looseObject({})).nullish() })
const ANSWER = z.object({ features: z.array(z.unknown()), segments: z.array(z.unknown()).nullish() })

/** What an Unleash, or a file in the format of its client API, says of the flags. */
export interface Definitions {
  features: ReadonlyMap<string, Feature>
  segments: ReadonlyMap<number, Segment>
  /** Why a flag is left out, by its name: one that cannot be read must not hold up the others, the kill switch least. */
  malformed: ReadonlyMap<string, string>
}

export interface ChangeListener {
  /** What changed after the first flags were read, such as `database_bridge_enabled=off`. */
  onChange?(changes: string): void
}

/** The flags of these names, as they are now. */
export function describeChanges({ features }: Definitions, names: readonly string[]): string {
  return names.map((name) => `${name}=${stateOf(features.get(name))}`).join(' ')
}

const stateOf = (feature: Feature | undefined): string =>
  feature === undefined ? 'missing' : feature.enabled ? 'on' : 'off'

/** Reads flags in the format of Unleash's client API. Throws, with one line, what cannot be read as a whole. */
export function parseDefinitions(text: string): Definitions {
  const answer = ANSWER.safeParse(parseJson(text))
  if (!answer.success) throw new Error(`it has no list of flags: ${oneLine(answer.error)}`)
  const features = new Map<string, Feature>()
  const malformed = new Map<string, string>()
  const times = new Map<string, number>()
  for (const one of answer.data.features) {
    const feature = FEATURE.safeParse(one)
    const name = NAMED.safeParse(one).data?.name ?? ''
    times.set(name, (times.get(name) ?? 0) + 1)
    if (feature.success) features.set(name, feature.data as unknown as Feature)
    else malformed.set(name, oneLine(feature.error))
  }
  // which of them is meant nobody can know
  for (const [name, given] of times)
    if (given > 1) {
      features.delete(name)
      malformed.set(name, `it is given ${given} times`)
    }
  const segments = (answer.data.segments ?? []).flatMap((one) => SEGMENT.safeParse(one).data ?? [])
  return { features, malformed, segments: new Map(segments.map((segment) => [segment.id, segment as never])) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // the library's message quotes the text
    throw new Error('it is no JSON')
  }
}

function oneLine({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join(', ')
}

/** The definitions that count now, for Unleash's own client to evaluate. */
export class DefinitionsRepository extends EventEmitter implements Repository {
  #now: Definitions | undefined

  /** Returns the names of the flags whose evaluation may have changed. */
  set(next: Definitions): string[] {
    const before = this.#now
    this.#now = next
    const names = new Set([...(before?.features.keys() ?? []), ...next.features.keys()])
    if (!isDeepStrictEqual(before?.segments, next.segments)) return [...names]
    return [...names].filter((name) => !isDeepStrictEqual(before?.features.get(name), next.features.get(name)))
  }

  /** `undefined` until there are some. */
  now(): Definitions | undefined {
    return this.#now
  }

  getToggle(name: string): Feature | undefined {
    return this.#now?.features.get(name)
  }

  getToggles(): Feature[] {
    return [...(this.#now?.features.values() ?? [])]
  }

  getTogglesWithSegmentData(): never[] {
    return []
  }

  getSegment(id: number): Segment | undefined {
    return this.#now?.segments.get(id)
  }

  stop(): void {}

  async start(): Promise<void> {
    this.emit('ready')
  }
}
