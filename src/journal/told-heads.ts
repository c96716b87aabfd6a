import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
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
const INSTANCE = /^[0-9a-f]{12}$/

/** `instance` has 12 hexadecimal digits, and is written by one process at a time. */
export function openToldHeads(journalFolder: string, instance: string): ToldHeads {
  const folder = join(journalFolder, FOLDER)
  let fd: number | undefined
  const open = (): number => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
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

function listInstances(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile() && INSTANCE.test(entry.name)).map(({ name }) => name)
  } catch {
    // nobody has acknowledged anything
    return []
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
