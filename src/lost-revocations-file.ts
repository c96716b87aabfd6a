import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { makePrivate, readPrivate, replacePrivate } from './private-files.ts'

const FILE_NAME = 'revocations-lost.json'

const LOST = z.object({ before: z.number(), why: z.enum(['SHORT', 'UNKNOWN']) })

/**
 * What was revoked before then (milliseconds since 1970) may be lost with a part of the journal. `SHORT`: less can be
 * read than was acknowledged, which ends when it is back. `UNKNOWN`: what said how far it was acknowledged is gone, so
 * only an operator can end it.
 */
export type LostRevocations = z.output<typeof LOST>

export const lostRevocationsPath = (dataDir: string): string => join(dataDir, FILE_NAME)
/** Says how far each segment was acknowledged. */
export const journalHeadsPath = (dataDir: string): string => join(dataDir, 'journal-heads')

/** `undefined` where nothing is known to be lost. What cannot be read was written when its file was. */
export function readLostRevocations(dataDir: string): LostRevocations | undefined {
  const path = lostRevocationsPath(dataDir)
  const file = statSync(path, { throwIfNoEntry: false })
  if (file === undefined) return undefined
  try {
    return LOST.parse(JSON.parse(readPrivate(path, path)))
  } catch {
    return { before: file.mtimeMs, why: 'UNKNOWN' }
  }
}

/** It is on disk when this returns; `undefined` ends it. */
export function writeLostRevocations(dataDir: string, lost: LostRevocations | undefined): void {
  const path = lostRevocationsPath(dataDir)
  if (lost === undefined) rmSync(path, { force: true })
  else replacePrivate(path, `${JSON.stringify(lost)}\n`)
}

/**
 * Notes it where a data folder was served before and has nothing that says how far its journal went. To be called before
 * anything else is made in the folder: of a start that fails halfway, the next one must not take the rest for a loss.
 */
export function noteLostHeads(dataDir: string): void {
  const heads = journalHeadsPath(dataDir)
  if (existsSync(heads)) return
  // since there are revocations, each start has made both
  if (existsSync(join(dataDir, 'instance'))) writeLostRevocations(dataDir, { before: Date.now(), why: 'UNKNOWN' })
  makePrivate(heads, '')
}
