import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../make-folder.ts'

/** Names a data folder, of which one process at a time is the server: 12 hexadecimal digits. */
export function instanceOf(dataDir: string): string {
  const path = join(dataDir, 'instance')
  makeFolder(dataDir)
  try {
    writeFileSync(path, randomBytes(6).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch {
    // it has one
  }
  return readFileSync(path, 'utf8')
}
