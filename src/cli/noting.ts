import { userInfo } from 'node:os'
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts'
import { auditFolder, hasOwnKey, loadAuditKey } from '../audit/key.ts'
import { readConfig } from '../config.ts'
import { NOTED_COMMANDS, type NotedCommand } from '../ports/audit.ts'
import { findListening } from '../server-file.ts'
import { type RemoteOptions, RequestError, request, START_MS } from './client.ts'
import { NoteCommandDocument } from './generated.ts'

/** Whoever gives a command on the server's machine, in the audit log. */
export const byCommand = () => ({ who: userInfo().username, from: 'command line' })

/**
 * Asks the server of this machine's data folder, or the one that was named, which must answer. `undefined` where none
 * answers on this machine.
 */
export async function byServer<T>(
  options: RemoteOptions,
  ask: (options: RemoteOptions) => Promise<T>,
): Promise<T | undefined> {
  if (options.server === undefined && (await findListening(readConfig().dataDir, START_MS)) === undefined)
    return undefined
  try {
    return await ask(options)
  } catch (error) {
    const isGone = error instanceof RequestError && error.code === 'UNREACHABLE' && options.server === undefined
    if (isGone) return undefined
    throw error
  }
}

/** The audit log in the folder of the server, and its key. */
export interface OpenedAuditLog {
  log: AuditLog
  folder: string
  key: Buffer
}

/** With the audit log of a server that does not run. Throws where it does, as only one can write. */
export async function withAuditLog<T>(use: (opened: OpenedAuditLog) => Promise<T>): Promise<T> {
  const { dataDir, audit } = readConfig()
  const folder = auditFolder(dataDir)
  const isKeyOld = hasOwnKey(dataDir, audit.key)
  const key = loadAuditKey(dataDir, audit.key)
  const log = openAuditLog({ folder, key, maxBytes: audit.maxBytes, isKeyOld, keptElsewhere: () => -1 })
  try {
    return await use({ log, folder, key })
  } finally {
    await log.close()
  }
}

/** Notes what a command has done, or is about to hand out: by the server of this machine, else in its place. */
export async function noteCommand(
  command: NotedCommand,
  detail: string | undefined,
  options: Pick<RemoteOptions, 'token'> = {},
): Promise<void> {
  const asked = { command, detail: detail ?? null }
  const noted = await byServer(options, async (how) => (await request(NoteCommandDocument, asked, how)).noteCommand)
  if (noted !== undefined) return
  await withAuditLog(({ log }) => log.note({ ...byCommand(), action: NOTED_COMMANDS[command], outcome: 'ok', detail }))
}
