import { Redis } from 'ioredis'
import type { Policy } from '../policies/policies.ts'

const CONNECT_TIMEOUT_MS = 1000

export function connect(url: string, { deadlineMs }: Policy): Redis {
  return new Redis(url, {
    commandTimeout: deadlineMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // while it is gone, commands fail at once instead of waiting for it
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5000),
  })
}

/** What Redis answers itself, as that it has no room, says nothing of it being away. */
export const isAway = (error: unknown): boolean => (error as Error).name !== 'ReplyError'
