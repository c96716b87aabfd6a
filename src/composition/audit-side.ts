import { hostname } from 'node:os'
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts'
import { headText } from '../audit/head.ts'
import { auditFolder, loadAuditKey } from '../audit/key.ts'
import { createAuditReading } from '../audit/reading.ts'
import { tellAudit } from '../audit/telling.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { AuditReading, AuditTable } from '../ports/audit.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { instanceOf } from './instance.ts'

/** The audit log, and how it is. */
export interface AuditSide {
  log: AuditLog
  reading: AuditReading
  /** Tells it in the database, and reads what others told there, from now on; returns how to stop. */
  join(table: AuditTable): () => Promise<void>
  health(): SourceHealth
}

/** Opens the audit log before anything else that could be noted. Throws where it cannot be gone on with. */
export function openAuditSide({ dataDir, audit, clickhouse }: Config, logger: Logger): AuditSide {
  const folder = auditFolder(dataDir)
  const log = openAuditLog({ folder, key: loadAuditKey(dataDir, audit.key), maxBytes: audit.maxBytes })
  const instance = `${hostname()}:${instanceOf(dataDir)}`
  let others: AuditTable | undefined
  let damage: string | undefined
  const onDamage = (found: string): void => {
    if (damage === undefined) logger.error({ damage: found }, 'the audit log is not whole: docs/runbooks/audit.md')
    damage ??= found
  }
  if (log.damage !== undefined) onDamage(log.damage)
  return {
    log,
    reading: createAuditReading({ folder, chain: log.head().chain, instance, others: () => others }),
    join(table) {
      // the embedded engine is on the same disk
      if (clickhouse.url === undefined) return async () => undefined
      others = table
      const stop = tellAudit({ folder, instance, head: log.head, table, onDamage })
      return async () => {
        others = undefined
        await stop()
      }
    },
    health() {
      const problem = log.problem()
      if (problem !== undefined)
        return { state: 'DOWN', detail: `it cannot be written, nothing is changed meanwhile: ${problem}` }
      const head = `head ${headText(log.head())}`
      return damage === undefined ? { state: 'UP', detail: head } : { state: 'DEGRADED', detail: `${damage}; ${head}` }
    },
  }
}
