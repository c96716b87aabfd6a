import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { createWorkRoom } from '../../../src/http/work-room.ts'

const MOST = LIMITS.workBytes.value
const CALL = MOST / 16

/** Answers one call after the other, each in so many milliseconds. */
function answering() {
  const room = createWorkRoom()
  let now = 0
  return {
    room,
    each(...times: number[]) {
      for (const ms of times) {
        room.answered(CALL, now, now + ms)
        now += ms
      }
    },
  }
}

const often = (count: number, ...times: number[]): number[] => Array.from({ length: count }, () => times).flat()

describe('the room for requests that are worked on at once', () => {
  test('is small at first, and grows up to its limit while answers are quick', () => {
    const { room, each } = answering()
    expect(room.bytes()).toBeLessThan(MOST / 4)
    each(...often(500, 20))
    expect(room.bytes()).toBe(MOST)
  })

  test('shrinks while answers are slow, never to nothing, and grows again', () => {
    const { room, each } = answering()
    each(...often(500, 20), ...often(60, 20, 500))
    expect(room.bytes()).toBeLessThan(MOST / 2)
    expect(room.bytes()).toBeGreaterThan(0)
    each(...often(500, 20))
    expect(room.bytes()).toBe(MOST)
  })

  test('shrinks once for all that were worked on at the same time', () => {
    const { room, each } = answering()
    each(...often(500, 20))
    for (let n = 0; n < 20; n++) room.answered(CALL, 1e6, 1e6 + 300)
    expect(room.bytes()).toBeGreaterThan(MOST * 0.7)
  })

  test('does not shrink on a disk on which everything takes long', () => {
    const { room, each } = answering()
    each(...often(500, 300))
    expect(room.bytes()).toBe(MOST)
  })
})
