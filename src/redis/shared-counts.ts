import { createGuard } from '../policies/guard.ts'
import { POLICIES } from '../policies/policies.ts'
import type { SharedCounts, Total } from '../ports/budgets.ts'
import { connect, isAway } from './connection.ts'

/** In one step, so that no count is left without an end. */
const ADD = `redis.call('set', KEYS[1], 0, 'PX', ARGV[2], 'NX')
return { redis.call('incrby', KEYS[1], ARGV[1]), redis.call('pttl', KEYS[1]) }`

const PREFIX = 'token-bridge:used:'

/** Counts in Redis, which forgets them when their window ends. Goes by its policy. */
export function createSharedCounts(url: string): SharedCounts {
  const redis = connect(url, POLICIES.redis.counts)
  const guard = createGuard('Redis', POLICIES.redis.counts, isAway, 'redis counts')
  redis.defineCommand('addUse', { numberOfKeys: 1, lua: ADD })
  // the cache of answers tells of it
  redis.on('error', () => undefined)
  return {
    add: (uses) =>
      guard.run(async () => {
        const commands = uses.map(({ key, amount, windowMs }) => ['addUse', PREFIX + key, amount, windowMs])
        const results = (await redis.pipeline(commands).exec()) ?? []
        return results.map(([error, result]): Total => {
          if (error !== null) throw error
          const [total, leftMs] = result as [number, number]
          if (!Number.isSafeInteger(total) || !Number.isSafeInteger(leftMs)) throw new Error('Redis gave no count')
          return { total, leftMs }
        })
      }),
    close: () => redis.disconnect(),
  }
}
