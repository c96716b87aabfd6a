import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import { createRunControl } from '../../../src/migration/run-control.ts'
import type { LogState, RowGroup, ShippableLogs } from '../../../src/ports/logs.ts'
import type { PublishedEvidence, RecordStore } from '../../../src/ports/record-store.ts'
import { openLedger } from '../../../src/shipping/ledger.ts'
import { createPublish } from '../../../src/shipping/publication.ts'
import type { ShipperEvents } from '../../../src/shipping/shipper.ts'
import { makeFolder } from '../../support/transcripts.ts'

const state = (key: string, publishedTo: number): LogState => ({
  key,
  edition: 0,
  path: `/p/${key}`,
  relativePath: key,
  fingerprint: { counted: publishedTo, sha256: '' },
  publishedTo,
})

const group = (log: string, input: bigint): RowGroup => ({
  log,
  day: 0,
  model: 'm',
  session: 's',
  project: 'p',
  user: 'u',
  host: 'h',
  branch: '',
  sidechain: 'false',
  path: log,
  records: 1,
  input,
  output: 0n,
  cacheRead: 0n,
  cacheCreation5m: 0n,
  cacheCreation1h: 0n,
  checksum: Number(input),
})

/** A run over two logs of 100 bytes, with 30 and 70 tokens; what is shipped is said by hand. The store: test/integration. */
function scene(kept: () => Promise<void> = async () => undefined) {
  const ledger = { ...openLedger(join(makeFolder(), 'ledger'), 'store', 0), kept }
  onTestFinished(() => ledger.close())
  let differs = 0n
  let time = 1000
  const changes: string[] = []
  const log = { sha256: '', records: 1, duplicates: { own: 2, owners: {} }, refused: {} }
  const evidence: PublishedEvidence = {
    logs: async () => [],
    sharedBy: async () => new Uint8Array(0),
    groups: async () => [group(ledger.nameOf(state('a', 1)), 30n + differs)],
    rows: async () => [],
    tokensAddedBy: async () => 0n,
    batches: async () => [],
    copies: async () => new Map(),
    damaged: async () => [],
    unverified: async () => [],
    retired: async () => [],
    intact: async () => [],
    stock: async () => [],
    hasFewerWinners: async () => false,
    countedWithoutCopy: async () => 0,
    ownersDiffer: async () => false,
    winnersDiffer: async () => false,
    sumsAreBehind: async () => false,
    sumsDiffer: async () => false,
  }
  const logs = {
    catalogue: async () => [
      { ...log, key: 'a', path: '/p/a', to: 100, tokens: 30n },
      { ...log, key: 'b', path: '/p/b', to: 100, tokens: 70n },
    ],
    registrations: async () => [],
    archived: async () => [],
    publishedGroups: async () => ({
      groups: [{ ...group('a#0', 30n), path: ledger.nameOf(state('a', 1)) }],
      unpublished: new Uint8Array(0),
    }),
    publishedRows: async () => [],
    linesAt: async () => [17, 17],
    update: async () => {},
  } as unknown as ShippableLogs
  const store = {
    rollBack: async () => {},
    publishKept: async () => {},
    rebuildWinners: async () => {},
    rebuildSums: async () => {},
    retire: async () => {},
  } as unknown as RecordStore
  const shipping = new EventEmitter<ShipperEvents>()
  const control = createRunControl({
    ledger,
    logs,
    evidence,
    publish: createPublish({ ledger, store, logs, gate: { publish: (run) => run() } }),
    shipper: { events: shipping, exclusive: (run) => run(), kick() {}, recordsPerSecond: () => undefined },
    now: () => time,
  })
  control.events.on('changed', ({ state: now }) => changes.push(now))
  const publish = (key: string, to: number, tokens: number): void => {
    const run = control.report()?.id ?? ''
    const group = { batches: [], states: [state(key, to)], run, tokens: [String(tokens)] }
    ledger.plan(group)
    ledger.verified()
    // nobody shares it: it is noted at once
    void ledger.noted({ kind: 'published', group }, ledger.seq() + 1)
    shipping.emit('published')
  }
  const begin = async (): Promise<string> => {
    const { id } = control.start('ann')
    await control.beforeShipping()
    return id
  }
  const carried = () => control.assignments().map(({ run, selection }) => [run, selection.transcripts] as const)
  const wait = (ms: number): void => {
    time += ms
  }
  const fail = (error: Error) => shipping.emit('problem', error)
  return { control, begin, publish, carried, changes, wait, fail, differ: (by: bigint) => (differs = by) }
}

describe('a run', () => {
  test('carries its catalogue up to the bytes that were frozen, the journal first, and is COMPLETED by a difference of 0', async () => {
    const { control, begin, publish, carried, changes } = scene()
    expect(control.report()).toBeUndefined()
    expect([control.progress(), control.cutOverAt(), carried()]).toEqual([0, undefined, [['live', 'none']]])
    const id = await begin()
    expect(control.cutOverAt()).toBe(1000)
    const frozen = new Map([
      ['a', 100],
      ['b', 100],
    ])
    expect(carried()).toEqual([
      ['live', 'none'],
      [id, frozen],
    ])
    publish('a', 100, 30)
    publish('b', 50, 20)
    expect(control.report()).toMatchObject({ progress: 0.5, filesTotal: 2, filesVerified: 1, tokensVerified: 50n })
    publish('b', 100, 50)
    await control.onIdle()
    expect(control.report(id)).toMatchObject({ state: 'COMPLETED', progress: 1, difference: 0n, finishedAt: 1000 })
    expect(changes).toEqual(['PLANNED', 'RUNNING', 'VERIFYING', 'COMPLETED'])
    expect(carried()).toEqual([
      ['live', 'none'],
      [id, 'all'],
    ])
  })

  test('tells its rate and how long it will take, since it began or was resumed', async () => {
    const { control, begin, publish, wait, fail } = scene()
    const id = await begin()
    expect(control.report()).toMatchObject({ tokensPerSecond: null, secondsLeft: null })
    publish('a', 50, 10)
    wait(2000)
    publish('a', 100, 20)
    expect(control.report()).toMatchObject({ tokensPerSecond: 10, secondsLeft: 7 })
    control.pause(id, 'ann')
    wait(60_000)
    expect(control.report()?.tokensPerSecond).toBeNull()
    control.resume(id, 'ann')
    publish('b', 10, 20)
    wait(1000)
    publish('b', 20, 20)
    expect(control.report()).toMatchObject({ tokensPerSecond: 20, secondsLeft: 1.5 })
    fail(new Error('the database is away'))
    expect(control.report()).toMatchObject({ errorCount: 1, lastError: 'the database is away' })
  })

  test('that differs is FAILED, counts as no progress, and names the file, the day and the lines', async () => {
    const { control, begin, publish, differ } = scene()
    await begin()
    publish('a', 100, 30)
    publish('b', 100, 70)
    differ(7n)
    await control.onIdle()
    expect(control.report()).toMatchObject({
      state: 'FAILED',
      difference: 7n,
      error: expect.stringMatching(/7 tokens.*1 logs; first \/p\/a, 1970-01-01, lines 17 to 17/),
    })
    expect(control.progress()).toBe(0)
    control.start('ann')
    expect(control.report()?.state).toBe('PLANNED')
  })

  test('whose logs were replaced or removed meanwhile is FAILED, and names the first', async () => {
    const { control, begin, publish } = scene()
    await begin()
    publish('a', 100, 30)
    await control.onIdle()
    expect(control.report()).toMatchObject({ state: 'FAILED', filesFailed: 1, error: expect.stringContaining('/p/b') })
  })

  test('that is paused carries nothing; what may not follow its state is a conflict', async () => {
    const { control, begin, carried, publish } = scene()
    const id = await begin()
    const conflict = expect.objectContaining({ code: 'CONFLICT' })
    expect(() => control.resume(id, 'ann')).toThrow(conflict)
    expect(control.pause(id, 'ann').state).toBe('PAUSED')
    expect(carried()).toEqual([['live', 'none']])
    await control.onIdle()
    expect(control.report()?.state).toBe('PAUSED')
    expect(() => control.start('ann')).toThrow(conflict)
    expect(() => control.pause(id, 'ann')).toThrow(conflict)
    expect(control.resume(id, 'bob').state).toBe('RUNNING')
    expect(carried()).toHaveLength(2)
    expect(() => control.pause('another', 'ann')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: 'id' }),
    )
    expect(() => control.verify(id, 'ann')).toThrow(conflict)
    publish('a', 100, 30)
    publish('b', 100, 70)
    await control.onIdle()
    expect(control.report()?.state).toBe('COMPLETED')
    expect(control.report()?.history?.map(({ by, action }) => `${by} ${action}`)).toEqual([
      'ann start',
      'ann pause',
      'bob resume',
    ])
  })

  test('that ClickHouse was not told of waits, and says so; where another instance publishes it fails', async () => {
    const away = scene(() => Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', 'away')))
    const told = await away.control.kept(away.control.start('ann'))
    expect(told).toMatchObject({ state: 'PLANNED', errorCount: 1, lastError: expect.stringMatching(/by itself/) })
    const taken = scene(() => Promise.reject(new BridgeError('CONFLICT', 'bob publishes')))
    await expect(taken.control.kept(taken.control.start('ann'))).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('can be verified again: one that differs is FAILED, and COMPLETED once it does not', async () => {
    const { control, begin, publish, differ } = scene()
    const id = await begin()
    publish('a', 100, 30)
    publish('b', 100, 70)
    await control.onIdle()
    expect(await control.verify(id, 'ann')).toMatchObject({ state: 'COMPLETED', difference: 0n })
    differ(1n)
    expect(await control.verify(id, 'ann')).toMatchObject({ state: 'FAILED', difference: 1n })
    expect(control.progress()).toBe(0)
    differ(0n)
    expect(await control.verify(id, 'ann')).toMatchObject({ state: 'COMPLETED', difference: 0n })
  })

  test('is rolled back from any state, twice is once, and readers are on the files before anything is taken out', async () => {
    for (const reach of ['PLANNED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED']) {
      const { control, begin, publish, changes, differ } = scene()
      const id = reach === 'PLANNED' ? control.start('ann').id : await begin()
      if (reach === 'PAUSED') control.pause(id, 'ann')
      if (reach === 'FAILED') differ(1n)
      if (reach === 'COMPLETED' || reach === 'FAILED') {
        publish('a', 100, 30)
        publish('b', 100, 70)
        await control.onIdle()
      }
      expect(control.report()?.state).toBe(reach)
      expect(control.rollback(id, 'ann', false)).toMatchObject({ state: 'ROLLING_BACK', progress: 0 })
      expect(control.progress()).toBe(0)
      expect(control.rollback(id, 'ann', false).state).toBe('ROLLING_BACK')
      expect(() => control.start('ann')).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
      expect(await control.beforeShipping()).toBe(true)
      expect(control.rollback(id, 'ann', false)).toMatchObject({ state: 'ROLLED_BACK', tokensVerified: 0n })
      expect(await control.beforeShipping()).toBe(false)
      expect(changes.slice(-2)).toEqual(['ROLLING_BACK', 'ROLLED_BACK'])
      expect(control.start('ann').state).toBe('PLANNED')
    }
  })

  test('is followed: at once, when it changes, and to its end', async () => {
    const { control, begin, publish } = scene()
    const id = await begin()
    const seen: string[] = []
    const following = (async () => {
      for await (const { state: now } of control.follow(id)) seen.push(now)
    })()
    const ended = control.follow(id)
    await ended.next()
    const waiting = ended.next()
    await ended.return?.()
    expect((await waiting).done).toBe(true)
    publish('a', 100, 30)
    publish('b', 100, 70)
    await control.onIdle()
    await following
    const rest = control.follow(id)
    expect((await rest.next()).value.state).toBe('COMPLETED')
    expect((await rest.next()).done).toBe(true)
    expect(seen[0]).toBe('RUNNING')
    expect(seen.at(-1)).toBe('COMPLETED')
  })

  test('is followed no longer once the bridge closes', async () => {
    const { control, begin } = scene()
    const following = control.follow(await begin())
    await following.next()
    const waiting = following.next()
    control.close()
    expect((await waiting).done).toBe(true)
  })
})
