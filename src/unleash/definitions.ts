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
  /** What changed after the first flags were read, such as `database_bridge_enabled: on → off`. */
  onChange?(changes: string): void
}

/** A flag whose evaluation may have changed, from what to what; `undefined`: it is not defined. */
export interface FlagChange {
  name: string
  before: Feature | undefined
  after: Feature | undefined
}

const MAX_TOLD = 20

/** The changes as one line for people. */
export function describeChanges(changes: readonly FlagChange[]): string {
  const told = changes.slice(0, MAX_TOLD).map(describeChange)
  return [...told, ...(changes.length > MAX_TOLD ? [`and ${changes.length - MAX_TOLD} more`] : [])].join('; ')
}

function describeChange({ name, before, after }: FlagChange): string {
  const [from, to] = [stateOf(before), stateOf(after)]
  return from === to ? `${name}: ${to}, with other constraints, segments or payloads` : `${name}: ${from} → ${to}`
}

/** Whether it is on, for whom, and which variants it gives: `on (flexibleRollout 50%; legacy 900, database 100)`. */
function stateOf(feature: Feature | undefined): string {
  if (feature === undefined) return 'missing'
  if (!feature.enabled) return 'off'
  const strategies = feature.strategies ?? []
  const rollouts = strategies.filter(({ name }) => name !== 'default').map(describeStrategy)
  const variants = [...(feature.variants ?? []), ...strategies.flatMap((strategy) => strategy.variants ?? [])]
  const weights = variants.map(({ name, weight }) => `${name} ${weight}`).join(', ')
  const details = [...rollouts, ...(weights === '' ? [] : [weights])]
  return details.length === 0 ? 'on' : `on (${details.join('; ')})`
}

function describeStrategy({ name, parameters }: NonNullable<Feature['strategies']>[number]): string {
  const { rollout, percentage } = (parameters ?? {}) as Record<string, unknown>
  const share = rollout ?? percentage
  return share === undefined ? name : `${name} ${String(share)}%`
}

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

/** What Unleash tells of a flag beside what it is evaluated by. */
const BESIDE = ['description', 'type', 'project', 'stale', 'impressionData', 'createdAt', 'lastSeenAt']

/** What a flag is evaluated by. */
export function evaluated(feature: Feature | undefined): unknown {
  return withoutEmpty(Object.fromEntries(Object.entries(feature ?? {}).filter(([name]) => !BESIDE.includes(name))))
}

/** A file leaves out what Unleash says to be empty. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const full = Object.entries(value).filter(([, member]) => !isEmpty(member))
  return Object.fromEntries(full.map(([name, member]) => [name, withoutEmpty(member)]))
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)

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

  /** Returns the flags whose evaluation may have changed. */
  set(next: Definitions): FlagChange[] {
    const last = this.#now
    this.#now = next
    const names = new Set([...(last?.features.keys() ?? []), ...next.features.keys()])
    const all = [...names].map((name) => ({
      name,
      before: last?.features.get(name),
      after: next.features.get(name),
    }))
    if (!isDeepStrictEqual(last?.segments, next.segments)) return all
    return all.filter(
      ({ before, after }) =>
        (before === undefined) !== (after === undefined) || !isDeepStrictEqual(evaluated(before), evaluated(after)),
    )
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
