import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../make-folder.ts'

const FILE_NAME = 'auth-jwt-secret'
const SECRET_BYTES = 32

export interface SecretSettings {
  jwtSecrets: readonly string[]
  jwksUrls: readonly string[]
}

/**
 * The secrets of bearer tokens (HS256): the first signs, all verify. Where there is neither one nor a set of keys, one
 * is made; with keys of others alone there is none, and nobody here signs.
 */
export function loadJwtSecrets({ jwtSecrets, jwksUrls }: SecretSettings, dataDir: string): Uint8Array[] {
  if (jwtSecrets.length > 0) return jwtSecrets.map((secret) => Buffer.from(secret))
  return jwksUrls.length > 0 ? [] : [loadMadeSecret(dataDir)]
}

/** The secret that was made at the first start, mode 0600. Throws where others can read it. */
export function loadMadeSecret(dataDir: string): Uint8Array {
  const path = join(dataDir, FILE_NAME)
  makeFolder(dataDir)
  try {
    writeFileSync(path, `${randomBytes(SECRET_BYTES).toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    // it was made before, or by another process just now
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if ((statSync(path).mode & 0o077) !== 0)
    throw new Error(`${path} can be read by others: chmod 600 it, or delete it to get a new one`)
  const secret = readFileSync(path, 'utf8').trim()
  if (secret.length < 2 * SECRET_BYTES) throw new Error(`${path} is damaged: delete it to get a new one`)
  return Buffer.from(secret)
}

/** How many there are, by which tokens are verified: of several, the last one is their whole text (`secrets` of settings). */
export const describeSecrets = (secrets: readonly Uint8Array[]): string =>
  secrets.length < 2 ? `secrets: ${secrets.length}` : `secrets: ${secrets.length - 1}, and their text as a whole`
