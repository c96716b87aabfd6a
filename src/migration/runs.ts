import type { Action, Migration } from '../domain/migration.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { PublishedEvidence } from '../ports/record-store.ts'
import type { Ledger } from '../shipping/ledger.ts'
import type { Publish } from '../shipping/publication.ts'
import type { MigrationReport, RunReporter } from './run-report.ts'

/** The runs that the ledger knows. */
export interface Runs {
  latest(): Migration | undefined
  find(id: string): Migration | undefined
  report(migration: Migration): MigrationReport
  /** Keeps a run, and tells everybody. */
  save(migration: Migration): MigrationReport
  /** Tells everybody of a run that the ledger has already. */
  changed(migration: Migration): MigrationReport
  /** The run was carried to its end. */
  ended(migration: Migration): void
}

/** What a step of a run works on. */
export interface RunParts {
  ledger: Ledger
  logs: ShippableLogs
  publish: Publish
  evidence: PublishedEvidence
  /** Looks whether the database still has what it should. */
  takeStock: () => Promise<unknown>
  /** Records that were carried a second, lately; `undefined` before there were any. */
  recordsPerSecond: () => number | undefined
  now: () => number
  runs: Runs
}

const MAX_HISTORY = 100

/** `tell` hears of a run whenever it has changed. */
export function createRuns(ledger: Ledger, reporter: RunReporter, tell: (report: MigrationReport) => void): Runs {
  const { report } = reporter
  const changed = (migration: Migration): MigrationReport => {
    const told = report(migration)
    tell(told)
    return told
  }
  return {
    latest: () => ledger.migrations().at(-1),
    find: (id) => ledger.migrations().find((one) => one.id === id),
    report,
    save(migration) {
      ledger.saveMigration(migration)
      reporter.changed()
      return changed(migration)
    },
    changed,
    ended: reporter.ended,
  }
}

/** A run after somebody did something to it. */
export function acted(
  migration: Migration,
  at: number,
  by: string,
  action: Action['action'],
  detail?: string,
): Migration {
  const one: Action = { at, by, action, ...(detail === undefined ? {} : { detail }) }
  return { ...migration, history: [...(migration.history ?? []), one].slice(-MAX_HISTORY) }
}
