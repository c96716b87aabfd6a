import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import type { AnswerCache, CachedAnswer, CacheHealth } from '../ports/answer-cache.ts'
import { decodeAnswer, encodeAnswer } from './answer-codec.ts'

export interface AnswerCacheOptions {
  /** Absent: memory alone. */
  redisUrl: string | undefined
  onProblem: (problem: string) => void
}

/** Answers in memory: a view of a large corpus takes some 100 kB. */
const MAX_ITEMS = 500
const TTL = '24h'
/** Redis is asked no longer than this: an answer can be computed in less. */
const REDIS_TIMEOUT_MS = 250
/** After an error Redis is left alone for a while. */
const CIRCUIT_OPEN = '5s'

/** Memory before Redis. What is kept in Redis is shared by instances that count the same logs. */
export function createAnswerCache({ redisUrl, onProblem }: AnswerCacheOptions): AnswerCache {
  const redis = redisUrl === undefined ? undefined : connect(redisUrl)
  let health: CacheHealth =
    redis === undefined ? { state: 'OFF', detail: 'memory alone' } : { state: 'DEGRADED', detail: 'connecting' }
  redis?.on('ready', () => {
    health = { state: 'UP', detail: 'connected' }
  })
  redis?.on('error', (error: Error) => {
    if (health.detail !== error.message) onProblem(error.message)
    health = { state: 'DEGRADED', detail: error.message }
  })
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: MAX_ITEMS, serialize: false }))
  const cache = new BentoCache({
    default: 'answers',
    ttl: TTL,
    suppressL2Errors: true,
    l2CircuitBreakerDuration: CIRCUIT_OPEN,
    serializer: { serialize: (entry) => serializeEntry(entry), deserialize: (text) => deserializeEntry(text) },
    stores: {
      answers:
        redis === undefined ? store : store.useL2Layer(redisDriver({ connection: redis, prefix: 'token-bridge' })),
    },
  })
  return {
    async get(key) {
      const value = await cache.get<CachedAnswer | null>({ key }).catch(() => undefined)
      return value ?? undefined
    },
    async set(key, cached) {
      await cache.set({ key, value: cached }).catch(() => undefined)
    },
    health: () => health,
    async close() {
      redis?.disconnect()
      await cache.disconnectAll().catch(() => undefined)
    },
  }
}

function connect(url: string): Redis {
  return new Redis(url, {
    commandTimeout: REDIS_TIMEOUT_MS,
    connectTimeout: REDIS_TIMEOUT_MS * 4,
    // while it is gone, commands fail at once instead of waiting for it
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5000),
  })
}

/** What bentocache keeps beside a value. */
interface Entry {
  value: unknown
  createdAt: number
  logicalExpiration: number
}

function serializeEntry(entry: Entry): string {
  const { value, ...rest } = entry
  return JSON.stringify({ ...rest, value: encodeAnswer(value as CachedAnswer) })
}

/** Bytes that are no answer of ours become an entry that expired long ago: as if there were none. */
function deserializeEntry(text: string): Entry {
  const nothing: Entry = { value: null, createdAt: 0, logicalExpiration: 0 }
  try {
    const entry = JSON.parse(text) as Partial<Record<keyof Entry, unknown>>
    const value = typeof entry.value === 'string' ? decodeAnswer(entry.value) : undefined
    if (value === undefined || typeof entry.createdAt !== 'number' || typeof entry.logicalExpiration !== 'number')
      return nothing
    return { value, createdAt: entry.createdAt, logicalExpiration: entry.logicalExpiration }
  } catch {
    return nothing
  }
}
