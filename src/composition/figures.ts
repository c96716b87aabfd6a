import { VERSION } from '../domain/version.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Component } from '../graphql/context.ts'
import { type AnswerFigures, createAnswerFigures } from '../observability/figures/answers.ts'
import { createDependencyFigures, type DependencyFigures } from '../observability/figures/dependencies.ts'
import type { ServiceFigures, ShippingFigures } from '../observability/figures/service.ts'
import { newHistogram, observe } from '../observability/histogram.ts'
import type { Flags } from '../ports/flags.ts'
import { createVisibility, type Pending } from '../shipping/visibility.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import type { ReadingSide } from './reading-side.ts'
import type { WayIn } from './way-in.ts'

/** What is measured of the service, in memory: for Prometheus, and for whoever else looks at it. */
export interface FiguresSide {
  answers: AnswerFigures
  dependencies: DependencyFigures
  /** A WebSocket with a token was opened, or is gone. */
  noteSocket(change: 1 | -1): void
  service(components: () => readonly Component[]): ServiceFigures
  close(): void
}

export interface FiguresParts {
  wayIn: WayIn
  legacy: LegacySource
  database: KeptDatabaseSide
  reading: Pick<ReadingSide, 'cacheHealth'>
  flags: Flags
}

/** Of what takes a tenth of a second where all is well, and hours where the database is away. */
const VISIBLE_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200]

/** To be made in the turn in which the journal was opened. */
export function createFiguresSide({ wayIn, legacy, database, reading, flags }: FiguresParts): FiguresSide {
  const dependencies = createDependencyFigures()
  const visible = newHistogram(VISIBLE_SECONDS)
  let sockets = 0
  const visibility = createVisibility({
    ledger: () => database.current()?.ledger(),
    onVisible: (seconds) => observe(visible, seconds),
  })
  wayIn.events.on('ingest', ({ at }, place) => visibility.acknowledged(place, at))
  const shipping = (): ShippingFigures | undefined =>
    database.health().state === 'OFF' ? undefined : shippingOf(visibility.pending(), legacy)
  const isRedisConnected = (): boolean | undefined => {
    const { state } = reading.cacheHealth()
    return state === 'OFF' ? undefined : state === 'UP'
  }
  return {
    answers: createAnswerFigures(),
    dependencies,
    noteSocket(change) {
      sockets += change
    },
    service: (components) => ({
      version: VERSION,
      components,
      flagsAsOf: () => flags.known().asOf,
      isRedisConnected,
      sockets: () => sockets,
      shipping,
      visible: () => visible,
      parts: () => database.current()?.parts() ?? [],
    }),
    close() {
      dependencies.close()
      visibility.close()
    },
  }
}

const shippingOf = ({ bytes, since }: Pending, { logs }: LegacySource): ShippingFigures => ({
  journalBytes: bytes,
  logBytes: logs.unshippedBytes(),
  lagSeconds: since === undefined ? 0 : Math.max(0, Date.now() - since) / 1000,
})
