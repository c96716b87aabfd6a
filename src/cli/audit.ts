import { statSync } from 'node:fs'
import { parseHead } from '../audit/head.ts'
import { auditFolder, loadAuditKey } from '../audit/key.ts'
import { type AuditVerdict, verifyAudit } from '../audit/verify.ts'
import { readConfig } from '../config.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** `token-bridge audit verify`: whether the audit log of DATA_DIR is whole; needs no server. Exit code 1 where it is not. */
export function verifyAuditLog(options: { head?: string; json?: boolean }): void {
  const verdict = verdictOf(options.head)
  if (options.json) printJson(verdict)
  if (verdict.problem !== undefined) throw new Error(verdict.problem)
  const { entries, files, head } = verdict
  if (!options.json) printLines([`the audit log is whole: ${entries} entries in ${files} files`, `head ${head}`])
}

/** `token-bridge audit head`: prints the head, alone, to be kept elsewhere. */
export function printAuditHead(): void {
  const { problem, head } = verdictOf(undefined)
  if (problem !== undefined || head === undefined) throw new Error(problem ?? 'there is no head')
  printLines([head])
}

function verdictOf(text: string | undefined): AuditVerdict {
  const kept = text === undefined ? undefined : parseHead(text)
  if (text !== undefined && kept === undefined)
    throw new UsageError('--head must be what `token-bridge audit head` printed: CHAIN:POSITION:HMAC')
  const { dataDir, audit } = readConfig()
  const folder = auditFolder(dataDir)
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) throw new Error(`there is no audit log in ${folder}`)
  return verifyAudit(folder, loadAuditKey(dataDir, audit.key, { make: false }), kept)
}
