import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { makePrivate } from '../private-files.ts'

/** Which journal a folder holds: instances that find the same one share it. */
export interface JournalIdentity {
  /** 32 hexadecimal digits. */
  id: string
  /** Whether the folder can be read, and is still that of this journal. */
  canRead(): boolean
}

const FILE_NAME = 'journal-id'

/** Reads the id in the folder; the first one to come makes it. Throws where it is damaged. */
export function journalIdentity(folder: string): JournalIdentity {
  makeFolder(folder)
  const path = join(folder, FILE_NAME)
  // several instances may come at the same time
  if (!existsSync(path)) makePrivate(path, `${randomBytes(16).toString('hex')}\n`)
  const id = readFileSync(path, 'utf8').trim()
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new Error(
      `${path} is damaged: stop every server that uses this folder, remove the file, and start them again`,
    )
  return {
    id,
    canRead() {
      try {
        return readFileSync(path, 'utf8').trim() === id
      } catch {
        return false
      }
    },
  }
}
