import { readFileSync, statfsSync, statSync } from 'node:fs'

// Secrets from files, as container engines hand them over: `NAME_FILE` names the file that holds the setting `NAME`.

/** Read where they are needed. */
const READ_LATER: ReadonlySet<string> = new Set(['JOURNAL_KEY', 'AUDIT_KEY'])
/** The settings that are secrets. */
export const SECRETS = [
  'JOURNAL_KEY',
  'AUDIT_KEY',
  'AUTH_JWT_SECRET',
  'REDIS_URL',
  'CLICKHOUSE_PASSWORD',
  'UNLEASH_API_TOKEN',
  'ALERT_WEBHOOK_URL',
  'ALERT_SLACK_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'TOKEN_BRIDGE_TOKEN',
] as const
export type SecretName = (typeof SECRETS)[number]
/** A larger file is none that holds a secret. */
const MAX_BYTES = 64 << 10

export interface SecretFiles {
  /** The settings, with what their files hold. */
  settings: Record<string, string | undefined>
  mistakes: string[]
}

/** Reads the files that are named. Never tells what they hold. */
export function readSecretFiles(settings: Record<string, string | undefined>): SecretFiles {
  const read: Record<string, string | undefined> = { ...settings }
  const mistakes: string[] = []
  for (const name of SECRETS) {
    const path = settings[`${name}_FILE`]
    if (path === undefined) continue
    if (settings[name] !== undefined) {
      mistakes.push(`${name} and ${name}_FILE are both set: set one of them`)
      continue
    }
    if (READ_LATER.has(name)) continue
    try {
      read[name] = readSecret(path)
    } catch (error) {
      mistakes.push(`${name}_FILE ${path} ${(error as Error).message}`)
    }
  }
  return { settings: read, mistakes }
}

/** Of file systems in memory, on Linux. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])
const OTHERS = 0o077

/** Files that others may read, with what helps. Those of the journal and the audit log are refused when they are read. */
export function secretFileWarnings(settings: Record<string, string | undefined>): string[] {
  const named = SECRETS.filter((name) => !READ_LATER.has(name)).map((name) => `${name}_FILE`)
  return [...named, 'TLS_KEY_FILE'].flatMap((name) => {
    const path = settings[name]
    if (path === undefined || !isReadByOthers(path)) return []
    return [`${name} ${path} can be read by others: chmod 600 it`]
  })
}

/**
 * A secret that a container engine mounts belongs to root, can be read by everybody in the container, and lies in memory:
 * nobody can change that, and the container is what keeps it. A file of root on a disk is none of these.
 */
function isReadByOthers(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return false
  return (found.mode & OTHERS) !== 0 && !(found.uid === 0 && IN_MEMORY.has(statfsSync(path).type))
}

/** Throws what is wrong with the file, without its name. */
export function readSecret(path: string): string {
  const bytes = readBytes(path)
  const secret = bytes.toString('utf8').trim()
  if (secret === '') throw new Error('is empty')
  if (bytes.length > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`)
  return secret
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Error(`cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
