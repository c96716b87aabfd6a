import { type AuditLog, openAuditLog } from '../audit/audit-log.ts'
import { headText } from '../audit/head.ts'
import { auditFolder, loadAuditKey } from '../audit/key.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { SourceHealth } from '../ports/token-source.ts'

/** The audit log, and how it is. */
export interface AuditSide {
  log: AuditLog
  health(): SourceHealth
}

/** Opens the audit log before anything else that could be noted. Throws where it cannot be gone on with. */
export function openAuditSide({ dataDir, audit }: Config, logger: Logger): AuditSide {
  const folder = auditFolder(dataDir)
  const log = openAuditLog({ folder, key: loadAuditKey(dataDir, audit.key), maxBytes: audit.maxBytes })
  const { damage } = log
  if (damage !== undefined) logger.error({ damage }, 'the audit log is not whole: docs/runbooks/audit.md')
  return {
    log,
    health() {
      const problem = log.problem()
      if (problem !== undefined)
        return { state: 'DOWN', detail: `it cannot be written, nothing is changed meanwhile: ${problem}` }
      const head = `head ${headText(log.head())}`
      return damage === undefined ? { state: 'UP', detail: head } : { state: 'DEGRADED', detail: `${damage}; ${head}` }
    },
  }
}
