import { createHash, createHmac } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { requireFile } from './files.ts'
import { type Link, NO_HMAC } from './line.ts'

// The head says how far the chain is: without it nobody could tell a chain whose last entries were cut off from one that
// ended there.

/** The last entry of a chain. */
export interface Head extends Link {
  /** Names the chain: 16 hexadecimal digits. */
  chain: string
  /** Position of the first entry that says that the log was damaged, and that nobody has acknowledged since. */
  damaged?: number | undefined
}

/** `missing` where there is none; `damaged` where it is not what was written; `other-key` where another key wrote it. */
export type FoundHead = Head | 'missing' | 'damaged' | 'other-key'

const FILE_NAME = 'head.json'
/** It is written over in place: each has the same length. */
const BYTES = 320
const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`))
const HEAD = z.object({
  chain: hex(16),
  position: z.number().int().min(-1),
  hmac: hex(64),
  key: hex(16),
  damaged: z.number().int().nonnegative().optional(),
})

const keyIdOf = (key: Buffer): string => createHash('sha256').update(key).digest('hex').slice(0, 16)

function textOf({ chain, position, hmac, damaged }: Head, key: Buffer): string {
  const said = JSON.stringify({ chain, position, hmac, key: keyIdOf(key), damaged }).slice(0, -1)
  const seal = createHmac('sha256', key).update(`head ${said}`).digest('hex')
  return `${`${said},"seal":"${seal}"}`.padEnd(BYTES - 1)}\n`
}

/** As it is kept elsewhere: `chain:position:hmac`. */
export const headText = ({ chain, position, hmac }: Head): string => `${chain}:${position}:${hmac}`

/** `undefined` where it is no such text. */
export function parseHead(text: string): Head | undefined {
  const [, chain, position, hmac] = /^([0-9a-f]{16}):(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? []
  if (chain === undefined || position === undefined || hmac === undefined) return undefined
  return { chain, position: Number(position), hmac }
}

export function readHead(folder: string, key: Buffer): FoundHead {
  const path = join(folder, FILE_NAME)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 'missing'
  requireFile(path)
  try {
    const text = readFileSync(path, 'utf8')
    const { key: keyId, ...head } = HEAD.parse(JSON.parse(text))
    if (keyId !== keyIdOf(key)) return 'other-key'
    return text === textOf(head, key) ? head : 'damaged'
  } catch {
    return 'damaged'
  }
}

export const beginningOf = (chain: string): Head => ({ chain, position: -1, hmac: NO_HMAC })

/** The head of the chain that is written. */
export interface KeptHead {
  /**
   * Not synced: it is what a process that is killed leaves. After a loss of power an older one may be there, which says
   * less of the end than could be said, and nothing that is wrong.
   */
  set(head: Head): void
  close(): void
}

export function openHead(folder: string, key: Buffer, head: Head): KeptHead {
  const open = (): number => {
    const opened = openSync(join(folder, FILE_NAME), constants.O_CREAT | constants.O_RDWR, 0o600)
    // what somebody has put there may be longer than a head
    ftruncateSync(opened, BYTES)
    return opened
  }
  let file = open()
  const set = (next: Head): void => {
    // it was removed: nobody would find what is written to it
    if (fstatSync(file).nlink === 0) {
      const anew = open()
      closeSync(file)
      file = anew
    }
    writeSync(file, textOf(next, key), 0)
  }
  set(head)
  fsyncSync(file)
  return { set, close: () => closeSync(file) }
}
