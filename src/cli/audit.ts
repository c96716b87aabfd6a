import { statSync } from 'node:fs'
import { acknowledgeDamage } from '../audit/acknowledging.ts'
import { parseHead } from '../audit/head.ts'
import { auditFolder, loadAuditKey } from '../audit/key.ts'
import { type AuditVerdict, verifyAudit } from '../audit/verify.ts'
import { readConfig } from '../config.ts'
import { count } from '../domain/counted.ts'
import { LIMITS } from '../domain/limits.ts'
import { type RemoteOptions, request } from './client.ts'
import { AcknowledgeAuditDamageDocument, AuditEntriesDocument, type AuditEntriesQuery } from './generated.ts'
import { byCommand, byServer, withAuditLog } from './noting.ts'
import { readFirst } from './read-first.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

interface VerifyOptions {
  head?: string
  acknowledge?: boolean
  token?: string
  json?: boolean
}

/**
 * `token-bridge audit verify`: whether the audit log of DATA_DIR is whole; needs no server. Exit code 1 where it is not,
 * and nobody has acknowledged that.
 */
export async function verifyAuditLog(options: VerifyOptions): Promise<void> {
  if (options.acknowledge) await acknowledge(options)
  const verdict = verdictOf(options.head)
  if (options.json) printJson(verdict)
  const { problem, acknowledged, entries, files, head } = verdict
  const known = acknowledged.map((one) => `acknowledged: ${one}`)
  if (!options.json) printLines(known)
  if (problem !== undefined) throw new Error(problem)
  const whole = known.length === 0 ? 'whole' : 'whole, but for what is acknowledged'
  if (!options.json)
    printLines([`the audit log is ${whole}: ${count(entries, 'entry')} in ${count(files, 'file')}`, `head ${head}`])
}

/** By the server that writes the log, else in its place. */
async function acknowledge({ token }: VerifyOptions): Promise<void> {
  const done = await byServer(token === undefined ? {} : { token }, async (how) =>
    request(AcknowledgeAuditDamageDocument, {}, { ...how, deadlineMs: DEADLINE_MS }),
  )
  if (done !== undefined) return
  await withAuditLog(({ log, ...where }) => acknowledgeDamage(log, where, byCommand()))
}

/** All of the log is read. */
const DEADLINE_MS = 300_000

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

/** `token-bridge audit list`: one entry a line, the latest first. */
export async function listAudit(
  options: RemoteOptions & { first: string; who?: string; action?: string },
): Promise<void> {
  const most = readFirst(options.first)
  const { who = null, action = null } = options
  const entries: AuditEntry[] = []
  for (let after: string | null = null; entries.length < most; ) {
    const first = Math.min(most - entries.length, LIMITS.auditPage.value)
    const { auditEntries }: AuditEntriesQuery = await request(
      AuditEntriesDocument,
      { first, after, who, action },
      options,
    )
    entries.push(...auditEntries.edges.map(({ node }) => node))
    if (!auditEntries.pageInfo.hasNextPage) break
    after = auditEntries.pageInfo.endCursor ?? null
  }
  if (options.json) return void printJson(entries)
  if (entries.length === 0) return void printLines(['no such entry'])
  printLines(
    entries.map(({ at, who: by, action: what, outcome, count, detail, from }) =>
      [at, by ?? '-', from ?? '-', what, outcome, ...(count > 1 ? [`${count} times`] : []), detail ?? '']
        .join('  ')
        .trimEnd(),
    ),
  )
}

type AuditEntry = AuditEntriesQuery['auditEntries']['edges'][number]['node']
