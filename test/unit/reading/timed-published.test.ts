import { describe, expect, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { PublishedRecords, StatementTurn } from '../../../src/ports/record-store.ts'
import { timedPublished } from '../../../src/reading/timed-published.ts'

const NOTHING = new Uint8Array(0)
const REQUEST = { queries: [], access: [] }
/** How long the database takes for a statement, in milliseconds. */
const STATEMENT_MS = 20
/** And how long it takes until it is the turn of one. */
const WAIT_MS = 300

function scene(fails?: Error) {
  const told: { ms: number; failed: boolean }[] = []
  const clock = { ms: 0 }
  const ask = async () => {
    clock.ms += STATEMENT_MS
    if (fails !== undefined) throw fails
  }
  const published: PublishedRecords = {
    async answer(_asked, _excluded, inTurn = (statement) => statement()) {
      for (let i = 0; i < 2; i++) await inTurn(ask)
      return []
    },
    async copiesIn() {
      await ask()
      return []
    },
  }
  const late: StatementTurn = (run) => {
    clock.ms += WAIT_MS
    return run()
  }
  const onAsked = (ms: number, failed: boolean) => void told.push({ ms, failed })
  return { told, late, timed: timedPublished(published, onAsked, () => clock.ms) }
}

describe('how the database does', () => {
  test('is how long its statements take, and not how long a question waits for its turn', async () => {
    const { told, late, timed } = scene()
    await timed.answer(REQUEST, NOTHING, late)
    expect(told).toEqual([{ ms: 2 * STATEMENT_MS, failed: false }])
  })

  test('is told of what fails, and not of what is refused', async () => {
    const failing = scene(new Error('it is gone'))
    await expect(failing.timed.answer(REQUEST, NOTHING, failing.late)).rejects.toThrow('it is gone')
    await expect(failing.timed.copiesIn(['log'], NOTHING)).rejects.toThrow('it is gone')
    expect(failing.told.map(({ failed }) => failed)).toEqual([true, true])
    const refusing = scene(new BridgeError('QUERY_TOO_EXPENSIVE', 'too much'))
    await expect(refusing.timed.answer(REQUEST, NOTHING)).rejects.toThrow('too much')
    await expect(refusing.timed.copiesIn(['log'], NOTHING)).rejects.toThrow('too much')
    expect(refusing.told).toEqual([])
  })
})
