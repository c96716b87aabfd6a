import { BentoCache, bentostore } from 'bentocache'
import { MemoryDriver } from 'bentocache/drivers/memory'
import { RedisDriver } from 'bentocache/drivers/redis'
import type { LRUCache } from 'lru-cache'
import { sizeOf } from '../domain/size-of.ts'
import { createGuard, type Guard } from '../policies/guard.ts'
import { watchHealth } from '../policies/health-watch.ts'
import { POLICIES, type Policy } from '../policies/policies.ts'
import type { AnswerCache, CachedAnswer, CacheHealth } from '../ports/answer-cache.ts'
import { type RedisOutcome, tellMeasured } from '../ports/measured.ts'
import { ANSWER_FORM, decodeAnswer, encodeAnswer } from './answer-codec.ts'
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

/** Answers of another form are never found. */
const named = (key: string): string => `${ANSWER_FORM}:${key}`

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
      const value = await cache.get<CachedAnswer | null>({ key: named(key) }).catch(() => undefined)
      return value ?? undefined
    },
    async set(key, cached) {
      await cache
        .set({ key: named(key), value: cached, skipL2Write: sizeOf(cached) > MAX_REDIS_BYTES })
        .catch(() => undefined)
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
    factory: (config: object) => new EntriesInMemory({ ...config, ...options, cacheInstance }),
  }
}

/** Of what it has found in Redis, bentocache puts the text in here all the same, and could not read it again. */
class EntriesInMemory extends MemoryDriver {
  override set(key: string, value: string | Entry, ttl?: number): boolean {
    const entry = typeof value === 'string' ? deserializeEntry(value) : value
    return super.set(key, entry as unknown as string, ttl)
  }
}

/** A layer of the cache in Redis, which goes by its policy: whatever fails is as if nothing were kept. */
function openRedis(url: string, { onProblem, secrets, policy = POLICIES.redis.command }: AnswerCacheOptions) {
  const seal = createSeal(secrets)
  /** What it said where it did not keep something; until it keeps something, or is connected anew. */
  let refusal: string | undefined
  const redis = connect(url, policy)
  const guard = createGuard('Redis', policy, isAway, 'redis command')
  const asked = watchHealth(async () => {
    // the connection tells by itself why there is none
    if (redis.status !== 'ready') throw new Error(asked.problem() ?? 'not connected')
    await redis.ping()
  })
  asked.heard('connecting')
  redis.on('ready', () => {
    // another one may be there now: the next answer that is to be kept tells
    refusal = undefined
    asked.heard()
  })
  redis.on('error', ({ message }: Error) => {
    if (asked.problem() !== message) onProblem(message)
    asked.heard(message)
  })
  const options = { connection: redis, prefix: 'token-bridge' }
  const onKept = (refused?: Error): void => {
    if (refused !== undefined && refusal === undefined) onProblem(refused.message)
    refusal = refused?.message
  }
  return {
    layer: { options, factory: (config: object) => new SealedRedis({ ...config, ...options }, guard, seal, onKept) },
    health(): CacheHealth {
      const heard = { ageMs: asked.ageMs(), latencyMs: asked.latencyMs() }
      const problem = asked.problem()
      if (problem !== undefined) return { state: 'DEGRADED', detail: problem, ...heard }
      if (guard.isOpen())
        return { state: 'DEGRADED', detail: 'it failed several times in a row: it is left alone for a while', ...heard }
      if (refusal !== undefined) return { state: 'DEGRADED', detail: `it keeps nothing: ${refusal}`, ...heard }
      return { state: 'UP', detail: 'connected', ...heard }
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
  readonly #onKept: (refused?: Error) => void

  /** `onKept`: told each time something was to be kept, with the error where Redis has no room, or may not be written to. */
  constructor(
    config: ConstructorParameters<typeof RedisDriver>[0],
    guard: Guard,
    seal: Seal,
    onKept: (refused?: Error) => void,
  ) {
    super(config)
    this.#guard = guard
    this.#seal = seal
    this.#onKept = onKept
  }

  override async get(key: string): Promise<string | undefined> {
    const sealed = await measured(
      () => this.#guard.run(() => super.get(key)),
      (found) => (found === undefined ? 'miss' : 'hit'),
    )
    return sealed === undefined ? undefined : this.#seal.open(key, sealed)
  }

  override async set(key: string, value: string, ttl?: number): Promise<boolean> {
    const sealed = this.#seal.seal(key, value)
    try {
      const kept = await measured(
        () => this.#guard.run(() => super.set(key, sealed, ttl)),
        () => 'kept',
      )
      this.#onKept()
      return kept
    } catch (error) {
      if (!isAway(error)) this.#onKept(error as Error)
      throw error
    }
  }
}

async function measured<T>(call: () => Promise<T>, outcomeOf: (result: T) => RedisOutcome): Promise<T> {
  const startedAt = performance.now()
  const tell = (outcome: RedisOutcome): void =>
    tellMeasured('redis', { outcome, seconds: (performance.now() - startedAt) / 1000 })
  try {
    const result = await call()
    tell(outcomeOf(result))
    return result
  } catch (error) {
    tell('failed')
    throw error
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
