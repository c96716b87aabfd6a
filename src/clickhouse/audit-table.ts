import type { AuditTable } from '../ports/audit.ts'
import type { Database } from './database.ts'
import { AUDIT_COLUMNS, auditBefore, lastAuditLine } from './statements/audit.ts'

const HMAC = /"hmac":"([0-9a-f]{64})"\}$/

export function createAuditTable(db: Database): AuditTable {
  const looks = db.for('look')
  return {
    async lastOf(chain) {
      const [last] = await looks.query(lastAuditLine, { chain })
      return last && { position: last.position, hmac: HMAC.exec(last.line)?.[1] ?? '' }
    },
    add: (rows) =>
      looks.insert(
        'add-audit',
        'audit',
        AUDIT_COLUMNS,
        rows.map(({ from, at, ...row }) => {
          const values: Record<string, unknown> = { ...row, at: new Date(at).toISOString(), address: from }
          return AUDIT_COLUMNS.map((name) => values[name])
        }),
      ),
    before: (own, { at, chain, position }, { who = null, action = null }, most) =>
      db.for('question').query(auditBefore, { own, at, chain, position, who, action, most }),
  }
}
