import { LIMITS } from '../domain/limits.ts'

const MOST = LIMITS.workBytes.value
/** However slow answers are. */
const LEAST = MOST / 16
/** At the start: a program that has just begun is slow. */
const FIRST = MOST / 8
/** An answer is slow from here on, and where it took twice as long as the quickest of late. */
const SLOW_MS = 75
/** By how much the quickest is forgotten with each answer. */
const FORGET = 1.05
/** What is left of the room after a slow answer, and how many of a quick one's bytes it grows by. */
const LESS = 0.8
const MORE = 0.1

/** How many bytes of requests are worked on at once. */
export interface WorkRoom {
  bytes(): number
  /** A request was answered; the times are in milliseconds. */
  answered(bytes: number, begunAt: number, endedAt: number): void
}

/**
 * Room that grows while answers are quick and shrinks when they are slow (additive increase, multiplicative decrease):
 * machines and disks differ by a factor of ten, and whoever waits, waits as long as the others take.
 */
export function createWorkRoom(first = FIRST): WorkRoom {
  let room = first
  let quickestMs = Number.POSITIVE_INFINITY
  let lessSince = Number.NEGATIVE_INFINITY
  return {
    bytes: () => room,
    answered(bytes, begunAt, endedAt) {
      const ms = endedAt - begunAt
      quickestMs = Math.min(ms, quickestMs * FORGET)
      // on a disk that takes its time everything is slow, however little there is
      if (ms < Math.max(SLOW_MS, 2 * quickestMs)) room = Math.min(MOST, room + bytes * MORE)
      else if (begunAt >= lessSince) {
        // those that were worked on beside it are slow for the same reason
        room = Math.max(LEAST, room * LESS)
        lessSince = endedAt
      }
    },
  }
}
