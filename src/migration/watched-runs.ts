import { EventEmitter } from 'node:events'
import type { ShippableLogs } from '../ports/logs.ts'
import type { LedgerFacts } from '../shipping/ledger.ts'
import { createFollowers } from './followers.ts'
import { createReports, type RunControl, type RunEvents } from './run-control.ts'
import { createRunReporter } from './run-report.ts'

/** The runs of another instance: they can be looked at, and nothing be done to them. */
export interface WatchedRuns extends RunControl {
  /** Something of them may have changed. */
  changed(): void
}

export interface WatchedRunsOptions {
  ledger: LedgerFacts
  logs: ShippableLogs
  /** Who asks for something to be done to a run is told why not. */
  refusal: () => Error
}

export function createWatchedRuns({ ledger, logs, refusal }: WatchedRunsOptions): WatchedRuns {
  const followers = createFollowers<string>()
  const reporter = createRunReporter({ ledger, onAlarm: () => undefined, memory: () => 0, now: Date.now })
  const latest = () => ledger.migrations().at(-1)
  const refuse = (): never => {
    throw refusal()
  }
  const reject = async (): Promise<never> => refuse()
  const runs = { latest, find: (id: string) => ledger.migrations().find((one) => one.id === id) }
  return {
    ...createReports({ ledger, logs, recordsPerSecond: () => undefined, runs }, reporter, followers),
    events: new EventEmitter<RunEvents>(),
    requireStartable: reject,
    start: refuse,
    pause: refuse,
    resume: refuse,
    verify: reject,
    repair: reject,
    rollback: refuse,
    kept: async (report) => report,
    assignments: () => [],
    beforeShipping: async () => false,
    onIdle: async () => undefined,
    changed() {
      const run = latest()
      if (run !== undefined) followers.tell(run.id)
    },
    close: followers.close,
  }
}
