import { renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../make-folder.ts'

/** Writes a text for the next start: whole, or what was there before stays. Throws where it cannot. */
export function keepFile(path: string, text: string): void {
  makeFolder(dirname(path))
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
