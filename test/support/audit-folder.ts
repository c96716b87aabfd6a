import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditLogOptions, openAuditLog } from '../../src/audit/audit-log.ts'
import { parseHead } from '../../src/audit/head.ts'
import { type AuditVerdict, verifyAudit } from '../../src/audit/verify.ts'
import { makeFolder } from './transcripts.ts'

export const KEY = Buffer.alloc(32, 7)

/** The files of an audit log, in the order of the chain. */
export const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name))

/** Its entries, as they stand there. */
export const linesOf = (folder: string) =>
  filesOf(folder).flatMap((path) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )

export const open = (folder: string, more: Partial<AuditLogOptions> = {}) =>
  openAuditLog({ folder, key: KEY, maxBytes: 1 << 30, ...more })

/** `head`: one that was kept elsewhere. */
export const verdictOf = (folder: string, head?: string): AuditVerdict =>
  verifyAudit(folder, KEY, head === undefined ? undefined : parseHead(head))

/** A folder with some entries, over several files where they are small. */
export async function written(count: number, more: Partial<AuditLogOptions> = {}): Promise<string> {
  const folder = makeFolder()
  const log = open(folder, more)
  for (let i = 0; i < count; i++)
    await log.note({ who: `user ${i}`, action: 'mutation something', outcome: 'ok', from: '127.0.0.1' })
  await log.close()
  return folder
}
