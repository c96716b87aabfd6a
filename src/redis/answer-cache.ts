import { BentoCache, bentostore } from 'bentocache'
import { MemoryDriver } from 'bentocache/drivers/memory'
import { RedisDriver } from 'bentocache/drivers/redis'
import type { LRUCache } from 'lru-cache'
import { sizeOf } from '../domain/size-of.ts'
import { createGuard, type Guard } from '../policies/guard.ts'
import { watchHealth } from '../policies/health-watch.ts'
import { POLICIES, type Policy } from '../policies/policies.ts'
import type { AnswerCache, CachedAnswer, CacheHealth } from '../ports/answer-cache.ts'
import { decodeAnswer, encodeAnswer } from './answer-codec.ts'
import { AnswersInMemory } from './answers-in-memory.ts'
import { connect, isAway } from './connection.ts'
import { createSeal, type Seal } from './seal.ts'

export interface AnswerCacheOptions {
  /** Absent: memory alone. */
  redisUrl: string | undefined
  /** What is kept in Redis is sealed by the first of them, and believed by any. */
  secrets: readonly Uint8Array[]
  /** Of the answers in memory. */
  maxBytes: number
  onProblem: (problem: string) => void
  policy?: Policy
}

/** A larger answer is computed anew sooner than it is written, sent and read. */
const MAX_REDIS_BYTES = 1 << 20
const TTL = '24h'

export interface BoundedAnswerCache extends AnswerCache {
  /** About how much the answers in memory take. */
  bytes(): number
}

/** Memory before Redis. What is kept in Redis is shared by instances that count the same logs. */
export function createAnswerCache(options: AnswerCacheOptions): BoundedAnswerCache {
  const { redisUrl, maxBytes } = options
  const redis = redisUrl === undefined ? undefined : openRedis(redisUrl, options)
  const memory = new AnswersInMemory<Entry>(maxBytes, ({ value }, key) => key.length + sizeOf(value) + 1)
  const store = bentostore().useL1Layer(memoryOf(memory))
  const cache = new BentoCache({
    default: 'answers',
    ttl: TTL,
    suppressL2Errors: true,
    serializer: { serialize: (entry) => serializeEntry(entry), deserialize: (text) => deserializeEntry(text) },
    stores: {
      answers: redis === undefined ? store : store.useL2Layer(redis.layer),
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
    bytes: () => memory.bytes(),
    health: () => redis?.health() ?? { state: 'OFF', detail: 'memory alone' },
    async close() {
      redis?.close()
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

/** A layer of the cache in Redis, which goes by its policy: whatever fails is as if nothing were kept. */
function openRedis(url: string, { onProblem, secrets, policy = POLICIES.redis.command }: AnswerCacheOptions) {
  const seal = createSeal(secrets)
  const redis = connect(url, policy)
  const guard = createGuard('Redis', policy, isAway)
  const asked = watchHealth(async () => {
    // the connection tells by itself why there is none
    if (redis.status !== 'ready') throw new Error(asked.problem() ?? 'not connected')
    await redis.ping()
  })
  asked.heard('connecting')
  redis.on('ready', () => asked.heard())
  redis.on('error', ({ message }: Error) => {
    if (asked.problem() !== message) onProblem(message)
    asked.heard(message)
  })
  const options = { connection: redis, prefix: 'token-bridge' }
  return {
    layer: { options, factory: (config: object) => new SealedRedis({ ...config, ...options }, guard, seal) },
    health(): CacheHealth {
      const ageMs = asked.ageMs()
      const problem = asked.problem()
      if (problem !== undefined) return { state: 'DEGRADED', detail: problem, ageMs }
      if (guard.isOpen())
        return { state: 'DEGRADED', detail: 'it failed several times in a row: it is left alone for a while', ageMs }
      return { state: 'UP', detail: 'connected', ageMs }
    },
    close() {
      asked.close()
      redis.disconnect()
    },
  }
}

/** Of what a driver can do, the cache of answers uses these two. */
class SealedRedis extends RedisDriver {
  readonly #guard: Guard
  readonly #seal: Seal

  constructor(config: ConstructorParameters<typeof RedisDriver>[0], guard: Guard, seal: Seal) {
    super(config)
    this.#guard = guard
    this.#seal = seal
  }

  override async get(key: string): Promise<string | undefined> {
    const sealed = await this.#guard.run(() => super.get(key))
    return sealed === undefined ? undefined : this.#seal.open(key, sealed)
  }

  override set(key: string, value: string, ttl?: number): Promise<boolean> {
    return this.#guard.run(() => super.set(key, this.#seal.seal(key, value), ttl))
  }
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
