import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { createReceivedBytes } from '../../../src/http/received-bytes.ts'
import { createRequestBytes, type RequestBytes } from '../../../src/http/request-bytes.ts'
import { quickWork } from '../../support/quick-work.ts'

const SMALL = LIMITS.smallRequestBytes.value
const MOST = LIMITS.workBytes.value
const CHUNK = 64 << 10
const user = 'ann'
const address = '192.0.2.1'

function createRoom() {
  let now = 0
  const received = createReceivedBytes()
  const work = quickWork(() => now)
  return { received, work, pass: (ms: number) => (now += ms) }
}
type Room = ReturnType<typeof createRoom>

/** How many times `take` gives something. */
function count(take: () => unknown): number {
  let times = 0
  while (take()) times++
  return times
}

/** Everything that can be had, of each limit: more or less than at first where something is held or was given twice. */
function roomLeft({ received, work, pass }: Room): unknown {
  const expected = work.hasRoom(user, MOST)
  // who was there lately has a share
  pass(2000)
  const large = count(() => work.take(user, SMALL + 1))
  const small = count(() => work.take(user, SMALL))
  const mine = received.open(user, address)
  const ofUser = count(() => mine.add(CHUNK))
  const ofRest = count(() => mine.add(1))
  mine.release()
  let others = 0
  const ofAddress = count(() => received.open(`other ${others++}`, address).add(CHUNK))
  const ofAll = count(() => received.open(`other ${others++}`, `address ${others}`).add(CHUNK))
  return { expected, large, small, ofUser, ofRest, ofAddress, ofAll }
}

type Step = (request: RequestBytes) => unknown
const step = fc.oneof(
  fc.constantFrom(1, SMALL, SMALL + 1, 100_000, 1 << 20).map(
    (bytes): Step =>
      (request) =>
        request.add(bytes),
  ),
  fc.constant<Step>((request) => request.arrive()),
  fc.constant<Step>((request) => request.leave()),
  fc.constant<Step>((request) => request.end()),
)

test('nothing of a request is counted once it is answered, in whatever order it arrives, is left and ends', () => {
  const atFirst = roomLeft(createRoom())
  expect(atFirst).toMatchObject({ expected: true, ofRest: 0 })
  const steps = fc.array(fc.tuple(fc.nat(2), step), { maxLength: 30 })
  fc.assert(
    fc.property(steps, fc.array(fc.constantFrom(0, 50_000, 900_000), { minLength: 3, maxLength: 3 }), (all, sizes) => {
      const room = createRoom()
      const requests = sizes.map((bytes) => createRequestBytes(room, { user, address, bytes }))
      for (const [which, take] of all) take(requests[which] as RequestBytes)
      for (const request of requests) request.end()
      // what comes late
      for (const [which, take] of all) take(requests[which] as RequestBytes)
      expect(roomLeft(room)).toEqual(atFirst)
    }),
  )
})

test('who leaves gives back what was arriving, and what is worked on when it is answered', () => {
  const room = createRoom()
  const arriving = createRequestBytes(room, { user, address, bytes: MOST })
  arriving.add(MOST)
  expect(room.work.hasRoom(user, MOST)).toBe(false)
  arriving.leave()
  expect(room.work.hasRoom(user, MOST)).toBe(true)
  const working = createRequestBytes(room, { user, address, bytes: MOST })
  working.add(MOST)
  expect(working.arrive()).toBe(true)
  working.leave()
  expect(room.work.hasRoom(user, MOST)).toBe(false)
  working.end()
  expect(room.work.hasRoom(user, MOST)).toBe(true)
})
