import { hostname } from 'node:os'
import { acknowledgeDamage } from '../audit/acknowledging.ts'
import { openAuditLog } from '../audit/audit-log.ts'
import { headText } from '../audit/head.ts'
import { auditFolder, hasOwnKey, loadAuditKey } from '../audit/key.ts'
import { createAuditReading } from '../audit/reading.ts'
import { tellAudit } from '../audit/telling.ts'
import { createTurnover } from '../audit/turnover.ts'
import { createUnusual, describeAlarm } from '../audit/unusual.ts'
import type { Config } from '../config.ts'
import type { AuditFigures } from '../observability/figures/parts.ts'
import type { Logger } from '../observability/logger.ts'
import type { Audit, AuditEvent, AuditReading, AuditTable } from '../ports/audit.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { instanceOf } from './instance.ts'

/** A run of a migration changed its state, by itself or by whoever changed it. */
export const RUN_ACTION = 'migration state'

/** The audit log, and how it is. */
export interface AuditSide {
  log: Audit
  reading: AuditReading
  /** Tells it in the database, and reads what others told there, from now on; returns how to stop. */
  join(table: AuditTable): () => Promise<void>
  /** An operator knows of what is wrong with it: returns that. */
  acknowledge(by: Pick<AuditEvent, 'who' | 'from' | 'request'>): Promise<string[]>
  figures(): AuditFigures
  /** Requests since the start whose token was bad, or did not allow what was asked. */
  denials(): number
  health(): SourceHealth
  close(): Promise<void>
}

/** Opens the audit log before anything else that could be noted. Throws where it cannot be gone on with. */
export function openAuditSide({ dataDir, audit, clickhouse }: Config, logger: Logger): AuditSide {
  const folder = auditFolder(dataDir)
  const isKeyOld = hasOwnKey(dataDir, audit.key)
  const key = loadAuditKey(dataDir, audit.key)
  const { maxBytes } = audit
  /** Position up to which the database was told; `undefined` where there is none. */
  let told = clickhouse.url === undefined ? undefined : -1
  const turnover = createTurnover({
    onAlarm: (detail) => logger.warn({ alarm: 'the audit log turns over', detail }, 'alarm'),
  })
  const keptElsewhere = () => told ?? Number.POSITIVE_INFINITY
  const log = openAuditLog({ folder, key, maxBytes, isKeyOld, keptElsewhere, onRemoved: turnover.removed })
  const instance = `${hostname()}:${instanceOf(dataDir)}`
  let others: AuditTable | undefined
  const tellDamage = (damage: string): void =>
    logger.error({ damage }, 'the audit log is not whole, which nobody has acknowledged: docs/runbooks/audit.md')
  const onDamage = (found: string): void => {
    if (log.damage() === undefined) tellDamage(found)
    log.damaged(found)
  }
  const damage = log.damage()
  if (damage !== undefined) tellDamage(damage)
  const unusual = createUnusual({
    lines: audit.alarms,
    onAlarm(alarm) {
      const { who, from } = alarm
      const detail = describeAlarm(alarm)
      logger.warn({ alarm: 'unusual access', who, from, detail }, 'alarm')
      // once a caller and minute; it stays where it cannot be written now
      log.note({ who, from, action: 'alarm', outcome: 'unusual', detail }).catch(() => undefined)
    },
  })
  const denied = countDenied(unusual.see)
  return {
    log: watched(log, denied.see),
    reading: createAuditReading({ folder, chain: log.head().chain, instance, others: () => others }),
    join(table) {
      // the embedded engine is on the same disk
      if (clickhouse.url === undefined) return async () => undefined
      others = table
      const onTold = (position: number): void => {
        told = position
      }
      const stop = tellAudit({ folder, instance, head: log.head, table, onTold, onDamage })
      return async () => {
        others = undefined
        await stop()
      }
    },
    denials: denied.count,
    acknowledge: (by) => acknowledgeDamage(log, { folder, key }, by),
    figures: () => ({
      position: log.head().position,
      isWritable: log.problem() === undefined,
      alarms: { ...unusual.totals(), turnover: turnover.total() },
    }),
    health() {
      const problem = log.problem()
      if (problem !== undefined)
        return { state: 'DOWN', detail: `it cannot be written, nothing is changed meanwhile: ${problem}` }
      const head = `head ${headText(log.head())}`
      const wrong = [
        ...[log.damage(), turnover.problem()].filter((text) => text !== undefined),
        ...unusual.lately().map((text) => `unusual: ${text}`),
      ]
      if (wrong.length === 0) return { state: 'UP', detail: head }
      return { state: 'DEGRADED', detail: `${wrong.join('; ')}; ${head}` }
    },
    close: log.close,
  }
}

/** Outcomes of what somebody was not let do. */
const DENIED: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'FORBIDDEN'])

function countDenied(see: (event: AuditEvent) => void) {
  let count = 0
  return {
    count: () => count,
    see(event: AuditEvent): void {
      if (DENIED.has(event.outcome)) count++
      see(event)
    },
  }
}

/** Not one request each: what is noted beside them. */
const BESIDE_REQUESTS: ReadonlySet<string> = new Set(['token used', 'flags', RUN_ACTION])

function watched(log: Audit, see: (event: AuditEvent) => void): Audit {
  const seen = (event: AuditEvent): void => {
    if (!BESIDE_REQUESTS.has(event.action)) see(event)
  }
  return {
    note(event) {
      seen(event)
      return log.note(event)
    },
    noteRepeated(event) {
      seen(event)
      return log.noteRepeated(event)
    },
    count(event) {
      seen(event)
      log.count(event)
    },
    requireRoom: log.requireRoom,
  }
}
