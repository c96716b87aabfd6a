import { statSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_FORM, parseKey } from '../domain/key-text.ts'
import { makePrivate, newKey, readPrivate } from '../private-files.ts'
import { auditFiles } from './files.ts'

/** AUDIT_KEY, 32 bytes, or the path that AUDIT_KEY_FILE names. */
export type GivenAuditKey = Buffer | { file: string }

const FILE_NAME = 'audit-key'

/**
 * The key of the audit log's chain: the one that is given, else that of the file in `dataDir`, made at the first start,
 * mode 0600. Throws, with one line that never shows a key, where there is none.
 */
export function loadAuditKey(dataDir: string, given?: GivenAuditKey, { make = true } = {}): Buffer {
  if (Buffer.isBuffer(given)) return given
  const path = given?.file ?? join(dataDir, FILE_NAME)
  const name = given === undefined ? path : `AUDIT_KEY_FILE (${path})`
  const isMissing = given === undefined && statSync(path, { throwIfNoEntry: false }) === undefined
  if (isMissing && (!make || hasEntries(dataDir)))
    throw new Error(`${name} is missing: put it back, or move ${auditFolder(dataDir)} away, which begins a new chain`)
  if (isMissing) makePrivate(path, `${newKey().toString('hex')}\n`)
  const bytes = parseKey(readPrivate(path, name))
  if (bytes === undefined) throw new Error(`${name} does not hold a key of ${KEY_FORM}`)
  return bytes
}

/** Whether it is there already: a given one may have been given just now. */
export const hasOwnKey = (dataDir: string, given?: GivenAuditKey): boolean =>
  given === undefined && statSync(join(dataDir, FILE_NAME), { throwIfNoEntry: false }) !== undefined

export const auditFolder = (dataDir: string): string => join(dataDir, 'audit')

function hasEntries(dataDir: string): boolean {
  const folder = auditFolder(dataDir)
  return statSync(folder, { throwIfNoEntry: false }) !== undefined && auditFiles(folder).length > 0
}
