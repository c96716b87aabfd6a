import { Redis } from 'ioredis'
import type { Policy } from '../policies/policies.ts'

const CONNECT_TIMEOUT_MS = 1000

export function connect(url: string, { deadlineMs }: Policy): Redis {
  const redis = new Redis(url, {
    commandTimeout: deadlineMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // while it is gone, commands fail at once instead of waiting for it
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5000),
  })
  redis.on('connect', () => endWhereUnreadable(redis))
  return redis
}

/**
 * The library's parser throws where somebody answers a list of more entries than there can be, and nobody would catch it:
 * the process would end. So the connection does.
 */
function endWhereUnreadable({ stream }: Redis): void {
  for (const read of stream.listeners('data') as ((chunk: Buffer) => void)[]) {
    stream.off('data', read)
    stream.on('data', (chunk: Buffer) => {
      try {
        read(chunk)
      } catch (error) {
        stream.destroy(error as Error)
      }
    })
  }
}

/** What Redis answers itself, as that it has no room, says nothing of it being away. */
export const isAway = (error: unknown): boolean => (error as Error).name !== 'ReplyError'
