import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { makeFolder } from './make-folder.ts'

const FILE_NAME = 'isolated.json'

const ISOLATED = z.object({
  at: z.number(),
  by: z.string(),
  reason: z.string(),
  /** Its access to the database was taken away, which an administrator of that alone gives back. */
  isRevoked: z.boolean().optional(),
})

/** Since when, by whom and why a bridge is isolated: it reads and writes nothing, over starts, until it rejoins. */
export type Isolated = z.output<typeof ISOLATED>

/** `undefined` where it is not. What cannot be read isolates all the same. */
export function readIsolated(dataDir: string): Isolated | undefined {
  const path = join(dataDir, FILE_NAME)
  try {
    return ISOLATED.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return { at: 0, by: 'unknown', reason: `${path} is there, and cannot be read` }
  }
}

/** It is on disk when this returns; `undefined` ends it. */
export function writeIsolated(dataDir: string, isolated: Isolated | undefined): void {
  const path = join(dataDir, FILE_NAME)
  if (isolated === undefined) rmSync(path, { force: true })
  else {
    makeFolder(dataDir)
    const unnamed = `${path}.${randomBytes(4).toString('hex')}`
    writeFileSync(unnamed, `${JSON.stringify(isolated)}\n`, { flag: 'wx', mode: 0o600, flush: true })
    renameSync(unnamed, path)
  }
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
