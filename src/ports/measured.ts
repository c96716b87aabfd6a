import { channel } from 'node:diagnostics_channel'

/** What calls of a dependency may do (`policies/guard.ts`): all, none for a while, or a few to see whether it is back. */
export const BREAKER_STATES = ['closed', 'open', 'half-open'] as const
export type BreakerState = (typeof BREAKER_STATES)[number]

/** What is measured where it happens, deep in an adapter, and counted by whoever listens. */
export interface Measured {
  /** A statement was carried out by ClickHouse, or failed: each attempt. */
  statement: { name: string; seconds: number; failed: boolean }
  /** A breaker was made, or is in another state from now on. `of`: `clickhouse question` (`BREAKERS`). */
  breaker: { of: string; state: BreakerState }
  /** An answer was looked up in Redis, or kept there. */
  redis: { outcome: RedisOutcome; seconds: number }
}

export const REDIS_OUTCOMES = ['hit', 'miss', 'kept', 'failed'] as const
export type RedisOutcome = (typeof REDIS_OUTCOMES)[number]

const channelOf = (kind: keyof Measured) => channel(`token-bridge:measured:${kind}`)

const channels = {
  statement: channelOf('statement'),
  breaker: channelOf('breaker'),
  redis: channelOf('redis'),
} as const satisfies Record<keyof Measured, unknown>

/** Tells whoever listens; costs nothing where nobody does. All bridges of a process tell through the same channels. */
export function tellMeasured<Kind extends keyof Measured>(kind: Kind, measured: Measured[Kind]): void {
  if (channels[kind].hasSubscribers) channels[kind].publish(measured)
}

/** Hears what is measured from now on, until the function that is returned is called. */
export function hearMeasured<Kind extends keyof Measured>(
  kind: Kind,
  hear: (measured: Measured[Kind]) => void,
): () => void {
  const listener = (message: unknown): void => hear(message as Measured[Kind])
  channels[kind].subscribe(listener)
  return () => void channels[kind].unsubscribe(listener)
}
