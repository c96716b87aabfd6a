import type { SourceAnswer } from './token-source.ts'

/** A cached answer, and how far the logs were counted when it was made. */
export interface CachedAnswer {
  watermark: string
  answer: SourceAnswer
}

export interface CacheHealth {
  state: 'UP' | 'DEGRADED' | 'OFF'
  detail: string
  /** Milliseconds since something was heard of it; absent where it is a part of this process. */
  ageMs?: number | undefined
  /** How long it takes to answer (`Latency.ms`). */
  latencyMs?: number | undefined
}

/** Keeps answers. It is never the truth: losing it, or any part of it, costs speed alone, so neither call fails. */
export interface AnswerCache {
  /** `undefined` where nothing usable is kept. */
  get(key: string): Promise<CachedAnswer | undefined>
  set(key: string, cached: CachedAnswer): Promise<void>
  health(): CacheHealth
  close(): Promise<void>
}
