import { Redis } from 'ioredis'

/** Asking for a lease: it was taken, somebody else has it, or nobody can be asked. */
export type LeaseAnswer =
  | { kind: 'taken'; release: () => Promise<void> }
  | { kind: 'held'; by: string }
  | { kind: 'unreachable'; problem: string }

export interface LeaseOptions {
  redisUrl: string
  /** What the lease is for. */
  name: string
  /** Who asks. */
  holder: string
  /** Somebody else has it now, because it could not be renewed in time. */
  onLost: (by: string) => void
  /** Without being renewed it lasts so long. */
  ttlMs?: number
}

const TTL_MS = 15_000
const TIMEOUT_MS = 1000

/** Extends the lease of its holder, or takes one that ran out; tells who has it afterwards. */
const RENEW = `
  local by = redis.call('GET', KEYS[1])
  if by == ARGV[1] or not by then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return ARGV[1] end
  return by`
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

/**
 * One holder at a time among several hosts, as long as Redis forgets nothing. Correctness does not depend on it: a holder
 * who lost the lease and does not know it is stopped by the fence in the database (`takeRightToPublish`).
 */
export async function takeLease(options: LeaseOptions): Promise<LeaseAnswer> {
  const { redisUrl, name, holder, onLost, ttlMs = TTL_MS } = options
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    commandTimeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5000),
  })
  // each command tells its own failure
  redis.on('error', () => undefined)
  const key = `token-bridge:lease:${name}`
  const renew = async (): Promise<string> => String(await redis.eval(RENEW, 1, key, holder, ttlMs))
  try {
    await redis.connect()
    const by = await renew()
    if (by !== holder) {
      redis.disconnect()
      return { kind: 'held', by }
    }
  } catch (error) {
    redis.disconnect()
    return { kind: 'unreachable', problem: (error as Error).message }
  }
  const timer = setInterval(() => {
    renew()
      .then((by) => {
        if (by === holder) return
        clearInterval(timer)
        onLost(by)
      })
      // Redis is away: if somebody else takes the lease meanwhile, they also take the right to publish, which stops us
      .catch(() => undefined)
  }, ttlMs / 3)
  return {
    kind: 'taken',
    async release() {
      clearInterval(timer)
      await redis.eval(RELEASE, 1, key, holder).catch(() => undefined)
      redis.disconnect()
    },
  }
}
