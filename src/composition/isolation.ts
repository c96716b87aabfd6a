import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { revokeOwnAccess, revokingSql } from '../clickhouse/revoke-access.ts'
import type { Config } from '../config.ts'
import { BridgeError } from '../domain/errors.ts'
import { type Isolated, readIsolated, writeIsolated } from '../isolation-file.ts'
import type { Logger } from '../observability/logger.ts'
import type { AnswerCache } from '../ports/answer-cache.ts'
import type { Isolation, IsolationState } from '../ports/isolation.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'

/** A part that talks to the world, and is told to leave it. */
export interface Leaving {
  leave(): Promise<void>
  rejoin(): Promise<void>
}

export interface IsolationSide extends Isolation {
  /** Is told to leave with the bridge, and to rejoin with it. */
  add(part: Leaving): void
  /** Whoever is being answered for longer is sent away. */
  events: Pick<EventEmitter<{ isolated: [] }>, 'on'>
  health(): SourceHealth
}

/** What does not answer is not waited for: it is refused to everybody in any case. */
const LEAVE_MS = 10_000

export function createIsolationSide({ dataDir, clickhouse }: Config, logger: Logger): IsolationSide {
  const parts: Leaving[] = []
  const events = new EventEmitter<{ isolated: [] }>()
  let isolated: Isolated | undefined = readIsolated(dataDir)
  if (isolated !== undefined) logger.warn({ ...isolated }, 'isolated: nothing is read or written but health')
  const within = (work: Promise<unknown>) => Promise.race([work, sleep(LEAVE_MS, undefined, { ref: false })])
  const state = (): IsolationState => {
    const { url } = clickhouse
    const databaseAccess = url === undefined ? 'NONE' : isolated?.isRevoked === true ? 'REVOKED' : 'KEPT'
    return {
      isolated: isolated !== undefined,
      since: isolated?.at,
      by: isolated?.by,
      reason: isolated?.reason,
      databaseAccess,
      sql: isolated !== undefined && databaseAccess === 'KEPT' ? revokingSql(clickhouse) : undefined,
    }
  }
  const keep = (what: Isolated): unknown => {
    try {
      writeIsolated(dataDir, what)
    } catch (error) {
      return error
    }
  }
  const revoke = async (): Promise<void> => {
    const { url } = clickhouse
    if (url === undefined || isolated === undefined || isolated.isRevoked) return
    const isRevoked = (await within(revokeOwnAccess({ ...clickhouse, url }).catch(() => false))) === true
    if (!isRevoked) return
    isolated = { ...isolated, isRevoked }
    keep(isolated)
  }
  return {
    isIsolated: () => isolated !== undefined,
    state,
    events,
    add: (part) => void parts.push(part),
    async isolate(reason, by) {
      const { isRevoked } = isolated ?? {}
      isolated = { at: Date.now(), by, reason, ...(isRevoked && { isRevoked }) }
      const unkept = keep(isolated)
      logger.warn({ ...isolated }, 'isolated: nothing is read or written but health')
      events.emit('isolated')
      await within(Promise.allSettled(parts.map((part) => part.leave())))
      await revoke()
      if (unkept !== undefined)
        throw new BridgeError(
          'STORAGE_UNAVAILABLE',
          'it is isolated until its end, and not over a start: the disk took nothing',
          {
            cause: unkept,
          },
        )
      return state()
    },
    async rejoin() {
      writeIsolated(dataDir, undefined)
      isolated = undefined
      logger.warn('no more isolated')
      await Promise.allSettled(parts.map((part) => part.rejoin()))
      return state()
    },
    health() {
      if (isolated === undefined) return { state: 'UP', detail: 'not isolated' }
      const { at, by, reason } = isolated
      return { state: 'DOWN', detail: `isolated since ${new Date(at).toISOString()} by ${by}: ${reason}` }
    },
  }
}

/** What was opened, which is closed while the bridge is isolated, and stands in for `opened` all the time. */
interface Reopened<T> extends Leaving {
  now(): T
}

function createReopened<T extends { close(): Promise<void> }>(
  { isIsolated, add }: IsolationSide,
  open: () => T,
  openIsolated: () => T,
): Reopened<T> {
  let current = isIsolated() ? openIsolated() : open()
  let turn: Promise<void> = Promise.resolve()
  // one after the other: what is still being closed is not opened anew
  const change = (next: () => T): Promise<void> => {
    turn = turn.then(async () => {
      const old = current
      if (next === openIsolated) current = next()
      await old.close()
      current = next()
    })
    return turn
  }
  const reopened: Reopened<T> = { now: () => current, leave: () => change(openIsolated), rejoin: () => change(open) }
  add(reopened)
  return reopened
}

const ISOLATED_DATABASE: KeptDatabaseSide = {
  current: () => undefined,
  health: () => ({ state: 'OFF', detail: 'isolated' }),
  publisher: () => ({ state: 'OFF', detail: 'isolated' }),
  whenTried: async () => undefined,
  close: async () => undefined,
}

/** The database side, which is closed while the bridge is isolated. */
export function isolatedDatabase(isolation: IsolationSide, open: () => KeptDatabaseSide): KeptDatabaseSide {
  const { now } = createReopened(isolation, open, () => ISOLATED_DATABASE)
  return {
    current: () => now().current(),
    health: () => now().health(),
    publisher: () => now().publisher(),
    whenTried: () => now().whenTried(),
    close: () => now().close(),
  }
}

const ISOLATED_CACHE: AnswerCache = {
  get: async () => undefined,
  set: async () => undefined,
  health: () => ({ state: 'OFF', detail: 'isolated' }),
  close: async () => undefined,
}

/** The cache of answers, which is closed, and forgets what it kept, while the bridge is isolated. */
export function isolatedCache(isolation: IsolationSide, open: () => AnswerCache): AnswerCache {
  const { now } = createReopened(isolation, open, () => ISOLATED_CACHE)
  return {
    get: (key) => now().get(key),
    set: (key, cached) => now().set(key, cached),
    health: () => now().health(),
    close: () => now().close(),
  }
}
