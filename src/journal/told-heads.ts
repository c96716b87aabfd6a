import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { type Head, lineOf, parseLine } from './heads.ts'

/** Up to where an instance has acknowledged what it wrote last. */
export interface ToldHead extends Head {
  segment: string
}

/**
 * How far each instance has acknowledged, told in the folder of the journal to those that share it: a file an instance,
 * of one line that is overwritten in place before each acknowledgement. So the others know at once that there is more to
 * read, without a look at every segment.
 */
export interface ToldHeads {
  /** Throws where it cannot be written. */
  tell(segment: string, head: Head): void
  /** What the others told last, by instance; `undefined` where that is just being overwritten. */
  others(): [instance: string, told: ToldHead | undefined][]
  close(): void
}

/** In the folder of the journal. */
const FOLDER = 'acknowledged'
/** What was told longer ago was read by everybody. Whoever told it and is still there tells it in a new file. */
const FORGOTTEN_MS = 24 * 3_600_000
const INSTANCE = /^[0-9a-f]{12}$/

/** `instance` has 12 hexadecimal digits, and is written by one process at a time. */
export function openToldHeads(journalFolder: string, instance: string): ToldHeads {
  const folder = join(journalFolder, FOLDER)
  makeFolder(folder)
  let fd: number | undefined
  const open = (): number => {
    makeFolder(folder)
    // instances come and go, and each request looks at all that there are
    forgetOld(folder)
    return openSync(join(folder, instance), constants.O_WRONLY | constants.O_CREAT, 0o600)
  }
  const close = (): void => {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }
  return {
    tell(segment, head) {
      // it was removed under it: nobody would find what is told
      if (fd !== undefined && fstatSync(fd).nlink === 0) close()
      fd ??= open()
      // of one length, since names of segments are
      const line = Buffer.from(lineOf(segment, head), 'latin1')
      for (let at = 0; at < line.length; ) at += writeSync(fd, line, at, line.length - at, at)
    },
    others: () =>
      listInstances(folder)
        .filter((other) => other !== instance)
        .map((other) => [other, readHead(join(folder, other))]),
    close,
  }
}

/** Instances that have told something in the folder of the journal lately. */
export const instancesIn = (journalFolder: string): string[] => listInstances(join(journalFolder, FOLDER))

function listInstances(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile() && INSTANCE.test(entry.name)).map(({ name }) => name)
  } catch {
    // it was removed: whoever tells something makes it anew
    return []
  }
}

function forgetOld(folder: string): void {
  for (const instance of listInstances(folder)) {
    const path = join(folder, instance)
    const { mtimeMs = Number.POSITIVE_INFINITY } = statSync(path, { throwIfNoEntry: false }) ?? {}
    if (Date.now() - mtimeMs > FORGOTTEN_MS) rmSync(path, { force: true })
  }
}

function readHead(path: string): ToldHead | undefined {
  try {
    const known = parseLine(readFileSync(path, 'latin1').trimEnd())
    return known && { segment: known.segment, ...known.head }
  } catch {
    return undefined
  }
}
