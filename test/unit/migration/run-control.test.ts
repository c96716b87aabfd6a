import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createRunControl } from '../../../src/migration/run-control.ts'
import type { LogState, ShippableLogs } from '../../../src/ports/logs.ts'
import { openLedger } from '../../../src/shipping/ledger.ts'
import { makeFolder } from '../../support/transcripts.ts'

const state = (key: string, publishedTo: number): LogState => ({
  key,
  edition: 0,
  path: `/p/${key}`,
  root: '/p',
  relativePath: key,
  fingerprint: { counted: publishedTo, sha256: '' },
  publishedTo,
})

/** A run over two logs of 100 bytes, with 30 and 70 tokens; what is shipped is said by hand. */
function scene() {
  const ledger = openLedger(join(makeFolder(), 'ledger'), 'store', 0)
  onTestFinished(() => ledger.close())
  let differs = 0n
  const changes: string[] = []
  const control = createRunControl({
    ledger,
    logs: {
      catalogue: async () => [
        { key: 'a', path: '/p/a', to: 100, records: 1, tokens: 30n },
        { key: 'b', path: '/p/b', to: 100, records: 1, tokens: 70n },
      ],
    } as unknown as ShippableLogs,
    difference: async () => differs,
    onChange: ({ state: now }) => changes.push(now),
    now: () => 1000,
  })
  const publish = (key: string, to: number, tokens: number): void => {
    const run = control.report()?.id ?? ''
    ledger.plan({ batches: [], states: [state(key, to)], run, tokens: [String(tokens)] })
    ledger.verified()
    ledger.published(ledger.seq() + 1)
  }
  const carried = () => control.assignments().map(({ run, selection }) => [run, selection.transcripts] as const)
  return { control, publish, carried, changes, differ: (by: bigint) => (differs = by) }
}

describe('a run', () => {
  test('carries its catalogue up to the bytes that were frozen, the journal first, and is COMPLETED by a difference of 0', async () => {
    const { control, publish, carried, changes } = scene()
    expect(control.report()).toBeUndefined()
    expect([control.progress(), control.cutOverAt(), carried()]).toEqual([0, undefined, [['live', 'none']]])
    const { id } = await control.start()
    expect(control.cutOverAt()).toBe(1000)
    expect(carried()).toEqual([
      ['live', 'none'],
      [
        id,
        new Map([
          ['a', 100],
          ['b', 100],
        ]),
      ],
    ])
    publish('a', 100, 30)
    publish('b', 50, 20)
    expect(control.report()).toMatchObject({ progress: 0.5, filesTotal: 2, filesVerified: 1, tokensVerified: 50n })
    publish('b', 100, 50)
    await control.onIdle()
    expect(control.report(id)).toMatchObject({ state: 'COMPLETED', progress: 1, difference: 0n, finishedAt: 1000 })
    expect(changes).toEqual(['RUNNING', 'VERIFYING', 'COMPLETED'])
    expect(carried()).toEqual([
      ['live', 'none'],
      ['live', 'all'],
    ])
  })

  test('that differs is FAILED, counts as no progress, and tells by how much', async () => {
    const { control, publish, differ } = scene()
    await control.start()
    publish('a', 100, 30)
    publish('b', 100, 70)
    differ(7n)
    await control.onIdle()
    expect(control.report()).toMatchObject({
      state: 'FAILED',
      difference: 7n,
      error: expect.stringContaining('7 tokens'),
    })
    expect(control.progress()).toBe(0)
    await control.start()
    expect(control.report()?.state).toBe('RUNNING')
  })

  test('whose logs were replaced or removed meanwhile is FAILED, and names the first', async () => {
    const { control, publish } = scene()
    await control.start()
    publish('a', 100, 30)
    await control.onIdle()
    expect(control.report()).toMatchObject({ state: 'FAILED', filesFailed: 1, error: expect.stringContaining('/p/b') })
  })

  test('that is paused carries nothing; what may not follow its state is a conflict', async () => {
    const { control, carried, publish } = scene()
    const { id } = await control.start()
    expect(() => control.resume(id)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(control.pause(id).state).toBe('PAUSED')
    expect(carried()).toEqual([['live', 'none']])
    await control.onIdle()
    expect(control.report()?.state).toBe('PAUSED')
    await expect(control.start()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(() => control.pause(id)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(control.resume(id).state).toBe('RUNNING')
    expect(carried()).toHaveLength(2)
    expect(() => control.pause('another')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: 'id' }),
    )
    await expect(control.verify(id)).rejects.toMatchObject({ code: 'CONFLICT' })
    publish('a', 100, 30)
    publish('b', 100, 70)
    await control.onIdle()
    expect(control.report()?.state).toBe('COMPLETED')
  })

  test('can be verified again: one that differs then is FAILED', async () => {
    const { control, publish, differ } = scene()
    const { id } = await control.start()
    publish('a', 100, 30)
    publish('b', 100, 70)
    await control.onIdle()
    expect(await control.verify(id)).toMatchObject({ state: 'COMPLETED', difference: 0n })
    differ(1n)
    expect(await control.verify(id)).toMatchObject({ state: 'FAILED', difference: 1n })
    expect(control.progress()).toBe(0)
    differ(0n)
    expect(await control.verify(id)).toMatchObject({ state: 'FAILED', difference: 0n })
  })
})
