import { BentoCache, bentostore } from 'bentocache'
import { MemoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { sizeOf } from '../domain/size-of.ts'
import type { AnswerCache, CachedAnswer, CacheHealth } from '../ports/answer-cache.ts'
import { decodeAnswer, encodeAnswer } from './answer-codec.ts'

export interface AnswerCacheOptions {
  /** Absent: memory alone. */
  redisUrl: string | undefined
  /** Of the answers in memory. */
  maxBytes: number
  onProblem: (problem: string) => void
}

/** An answer that takes a larger share of the memory is not kept: it would drive out all others. */
const MAX_SHARE = 1 / 8
/** A larger answer is computed anew sooner than it is written, sent and read. */
const MAX_REDIS_BYTES = 1 << 20
const TTL = '24h'
/** Milliseconds that Redis gets: after that, computing the answer is as fast. */
const REDIS_TIMEOUT_MS = 250
/** After an error Redis is left alone for a while. */
const CIRCUIT_OPEN = '5s'

export interface BoundedAnswerCache extends AnswerCache {
  /** About how much the answers in memory take. */
  bytes(): number
}

/** Memory before Redis. What is kept in Redis is shared by instances that count the same logs. */
export function createAnswerCache({ redisUrl, maxBytes, onProblem }: AnswerCacheOptions): BoundedAnswerCache {
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
  const memory = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes * MAX_SHARE),
    sizeCalculation: ({ value }, key) => key.length + sizeOf(value) + 1,
  })
  const store = bentostore().useL1Layer(memoryOf(memory))
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
      await cache.set({ key, value: cached, skipL2Write: sizeOf(cached) > MAX_REDIS_BYTES }).catch(() => undefined)
    },
    bytes: () => memory.calculatedSize,
    health: () => health,
    async close() {
      redis?.disconnect()
      await cache.disconnectAll().catch(() => undefined)
    },
  }
}

/** bentocache bounds its own memory by bytes only where it keeps texts, which would have to be parsed at every hit. */
function memoryOf(memory: LRUCache<string, Entry>) {
  // bentocache does not serialize entries for this store: what it puts in is what it gets back
  const cacheInstance = memory as unknown as LRUCache<string, string>
  const options = { serialize: false }
  return {
    options,
    factory: (config: object) => new MemoryDriver({ ...config, ...options, cacheInstance }),
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
  if (text.length > 4 * MAX_REDIS_BYTES) return nothing
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
