import { AsyncLocalStorage } from 'node:async_hooks'
import { isBridgeError } from '../domain/errors.ts'
import type { CacheStatus, DataSource, RoutingReason } from '../domain/source.ts'
import type { Cohort } from './flags.ts'

/** What spans are of. A statement has its own name. */
export type SpanName =
  | 'request'
  | 'subscribe'
  | 'push'
  | 'resolve'
  | 'cache get'
  | 'cache set'
  | 'ask source'
  | `statement ${string}`
  | 'journal'
  | 'ship'
  | 'publish'

/** All that a span tells: names that stand in code, codes, and counts. Nothing that somebody has written or sent. */
export interface SpanFacts {
  method?: string
  route?: string
  status?: number
  /** `query`, `mutation`, `subscription`. */
  operation?: string
  /** Of a request with several answers, each that there was. */
  source?: DataSource | readonly DataSource[]
  reason?: RoutingReason | readonly RoutingReason[]
  cache?: CacheStatus | readonly CacheStatus[]
  cohort?: Cohort | 'none'
  /** Something was found in the cache, of whatever moment. */
  found?: boolean
  /** Of what kind an entry of the journal is, or a change of what readers see. */
  kind?: string
  records?: number
  batches?: number
  logs?: number
  /** Of shipping: whether the database took it. */
  outcome?: 'published' | 'refused'
  /** An answer that is the one that was told before is told nobody. */
  told?: boolean
  /** Codes of the errors that were answered. */
  errors?: readonly string[]
}

/** By which other traces can name a span. */
export interface SpanPlace {
  traceId: string
  spanId: string
}

/** How long something took, as part of something else. */
export interface Span {
  place: SpanPlace
  /** A part of it, which begins now. */
  child(name: SpanName, facts?: SpanFacts): Span
  tell(facts: SpanFacts): void
  /** `error`: the code of what it failed by. */
  end(error?: string): void
  /** What its trace is about is over: whatever still goes on is no part of it. */
  isOver(): boolean
}

export interface Beginning {
  /** The header of that name (W3C Trace Context), by which another program says what this is a part of. */
  traceparent?: string | undefined
  /** It began so many milliseconds ago. */
  sinceMs?: number
  facts?: SpanFacts
  /** Parts of other traces that it follows from. */
  follows?: readonly SpanPlace[]
}

/** What begins a trace, or this program's part of one. */
export type BeginningName = 'request' | 'subscribe' | 'push' | 'ship'

export interface Tracer {
  /** `undefined` where it is not to be recorded. */
  begin(name: BeginningName, beginning?: Beginning): Span | undefined
}

/** By which something that comes later is a part of it, too. */
export const traceparentOf = ({ traceId, spanId }: SpanPlace): string => `00-${traceId}-${spanId}-01`

/** Records nothing. */
export const NO_TRACER: Tracer = { begin: () => undefined }

/** What is being worked on: told along with every call and promise, as Node does it. Empty while nobody records. */
const current = new AsyncLocalStorage<Span | undefined>()

/** What is called, and goes on from there, is a part of the span. */
export const runIn = <T>(span: Span, work: () => T): T => current.run(span, work)

/** What is called, and goes on from there, is a part of nothing: somebody else's need may have begun it. */
export const outsideSpans = <T>(work: () => T): T =>
  current.getStore() === undefined ? work() : current.run(undefined, work)

/** What is being worked on, where that is recorded. */
export const spanPlace = (): SpanPlace | undefined => current.getStore()?.place

/** Tells something of the span that is being worked on. */
export type Tell = (facts: SpanFacts) => void

const tellNobody: Tell = () => undefined

/** Work that is a span of its own where it is a part of one; nothing else is done where it is not. */
export function inSpan<T>(name: SpanName, facts: SpanFacts, work: (tell: Tell) => Promise<T>): Promise<T> {
  const parent = current.getStore()
  return parent === undefined || parent.isOver() ? work(tellNobody) : within(parent.child(name, facts), work)
}

/** Work that is a part of nothing that is being worked on. */
export function inTrace<T>(
  tracer: Tracer,
  name: BeginningName,
  beginning: Beginning,
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const span = tracer.begin(name, beginning)
  return span === undefined ? outsideSpans(() => work(tellNobody)) : within(span, work)
}

async function within<T>(span: Span, work: (tell: Tell) => Promise<T>): Promise<T> {
  let failed: string | undefined
  const tell: Tell = (facts) => {
    failed = facts.errors?.[0] ?? failed
    span.tell(facts)
  }
  try {
    const result = await current.run(span, () => work(tell))
    span.end(failed)
    return result
  } catch (error) {
    span.end(codeOf(error))
    throw error
  }
}

/** Never a message: it may name what was asked. */
function codeOf(error: unknown): string {
  if (isBridgeError(error)) return error.code
  const { code } = error as { code?: unknown }
  // of ClickHouse, a number
  return typeof code === 'number' ? String(code) : 'INTERNAL_SERVER_ERROR'
}
