import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names a data folder, of which one process at a time is the server: 12 hexadecimal digits. */
export function instanceOf(dataDir: string): string {
  const path = join(dataDir, 'instance')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(path, randomBytes(6).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch {
    // it has one
  }
  return readFileSync(path, 'utf8')
}
