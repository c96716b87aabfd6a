import { randomUUID } from 'node:crypto'
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client'
import { isBridgeError } from '../domain/errors.ts'
import type { Attempt } from '../policies/guard.ts'
import { POLICIES } from '../policies/policies.ts'
import { tellMeasured } from '../ports/measured.ts'
import { tellMoment } from '../ports/moments.ts'
import { StatementError } from './statement-error.ts'

/** A server ends a statement so much earlier than whoever waits for it gives up, so that it can say so. */
export const GRACE_MS = 1000

/** What every statement is sent with. */
export interface Common {
  query_id: string
  clickhouse_settings: ClickHouseSettings
  abort_signal: AbortSignal
}

export interface Attempts {
  /** Carries out a statement, once. Throws `StatementError`. */
  attempt<T>(name: string, attempt: Attempt, statement: (common: Common) => Promise<T>): Promise<T>
  /** Gives up what is being carried out. */
  end(): Promise<void>
}

/** Ends statements on a server, and waits a little until they are gone. Never throws: `max_execution_time` is left. */
export type Kill = (queryIds: readonly string[]) => Promise<void>

export const killedBy =
  (client: ClickHouseClient): Kill =>
  async (ids) => {
    try {
      await client.command({
        query: 'KILL QUERY WHERE query_id IN {ids:Array(String)} SYNC',
        query_params: { ids },
        query_id: `token-bridge-kill-${randomUUID()}`,
        abort_signal: AbortSignal.timeout(POLICIES.clickhouse.aside.deadlineMs),
      })
    } catch {
      // the server is away, which is known from what was given up
    }
  }

/** Where a statement has no answer (a deadline, a cut connection), nobody waits for it any more: it is killed. */
export function createAttempts(kill: Kill | undefined): Attempts {
  const running = new Set<string>()
  let ending = false
  return {
    async attempt(name, { signal, leftMs }, statement) {
      const queryId = `token-bridge-${name}-${randomUUID()}`
      running.add(queryId)
      const startedAt = performance.now()
      const measured = (failed: boolean): void =>
        tellMeasured('statement', { name, seconds: (performance.now() - startedAt) / 1000, failed })
      try {
        tellMoment(`statement ${name}`, 'before')
        const result = await statement({
          query_id: queryId,
          clickhouse_settings: {
            log_comment: `token-bridge ${name}`,
            max_execution_time: Math.max(1, Math.ceil((leftMs - GRACE_MS) / 1000)),
          },
          abort_signal: signal,
        })
        measured(false)
        tellMoment(`statement ${name}`, 'after')
        return result
      } catch (error) {
        // it was never sent
        if (isBridgeError(error)) throw error
        measured(true)
        const failed = new StatementError(name, error)
        if (failed.code === undefined && !ending) await kill?.([queryId])
        throw failed
      } finally {
        running.delete(queryId)
      }
    },
    async end() {
      ending = true
      if (running.size > 0) await kill?.([...running])
    },
  }
}
