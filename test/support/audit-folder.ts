import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditLogOptions, openAuditLog } from '../../src/audit/audit-log.ts'
import { openHead, parseHead, readHead } from '../../src/audit/head.ts'
import { NO_HMAC } from '../../src/audit/line.ts'
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

/** The same, as an earlier release wrote it: a line does not name the one before, the HMAC of which its own is over, too. */
export async function writtenEarlier(count: number): Promise<string> {
  const folder = await written(count)
  const [path] = filesOf(folder) as [string]
  let last = { position: -1, hmac: NO_HMAC }
  const lines = linesOf(folder).map(({ after: _, hmac: __, ...entry }) => {
    const body = JSON.stringify(entry).slice(0, -1)
    last = {
      position: entry.position,
      hmac: createHmac('sha256', KEY).update(last.hmac).update(body).digest('hex'),
    }
    return `${body},"hmac":"${last.hmac}"}\n`
  })
  writeFileSync(path, lines.join(''))
  const head = readHead(folder, KEY)
  if (typeof head === 'object') openHead(folder, KEY, { ...head, ...last }).close()
  return folder
}
