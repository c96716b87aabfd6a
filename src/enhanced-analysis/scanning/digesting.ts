import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { transcriptKey } from '../../domain/log-name.ts'
import type { KnownFile } from '../table/known-file.ts'
import { READ_FLAGS } from './file-content.ts'
import { hasFingerprint } from './file-scan.ts'

/** Which first bytes of a file are to be hashed, and what is known of the file. */
export interface DigestRequest
  extends Pick<KnownFile, 'key' | 'path' | 'reading' | 'size' | 'modifiedNs' | 'fingerprint'> {
  /** Numbers of first bytes, ascending. */
  to: number[]
}

/** SHA-256 in hexadecimal of first bytes, by their number; empty where they cannot be read. */
export interface Digested extends Pick<KnownFile, 'key' | 'reading'> {
  digests: [to: number, sha256: string][]
}

/** Hashes first bytes of files that grow; files that changed otherwise since they were read are left out. */
export type Digesting = (requests: readonly DigestRequest[]) => Promise<Digested[]>

const CHUNK_BYTES = 1 << 20
/** Files that are read at once: opening many small ones takes longer than hashing them. */
const AT_ONCE = 8
/** Files whose hashing can go on where it ended. */
const MAX_RUNNING = 1000

interface Running {
  reading: number
  at: number
  hash: Hash
}

export function createDigesting(): Digesting {
  const running = new LRUCache<string, Running>({ max: MAX_RUNNING })
  return async (requests) => {
    const found: Digested[] = []
    const waiting = requests.values()
    const work = async (): Promise<void> => {
      for (const request of waiting) {
        const { key, reading, to } = request
        const digests = await digestsOf(request, running).catch(() => to.map((at): [number, string] => [at, '']))
        if (digests !== undefined) found.push({ key, reading, digests })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return found
  }
}

async function digestsOf(
  request: DigestRequest,
  running: LRUCache<string, Running>,
): Promise<Digested['digests'] | undefined> {
  const { key, path, reading, to } = request
  const file = await open(path, READ_FLAGS)
  try {
    if (!(await isUnchanged(file, request))) return undefined
    const known = running.get(key)
    const goesOn = known !== undefined && known.reading === reading && known.at <= (to[0] ?? 0)
    const { hash, at } = goesOn ? known : { hash: createHash('sha256'), at: 0 }
    running.delete(key)
    const digests: [number, string][] = []
    let from = at
    for (const end of to) {
      await addBytes(hash, file, from, end)
      from = end
      digests.push([end, hash.copy().digest('hex')])
    }
    if (!(await isUnchanged(file, request))) return undefined
    running.set(key, { reading, at: from, hash })
    return digests
  } finally {
    await file.close()
  }
}

/** Whether a file is as it was read, but that it may have grown. */
async function isUnchanged(file: FileHandle, { key, path, size, modifiedNs, fingerprint }: DigestRequest) {
  const stat = await file.stat({ bigint: true })
  if (transcriptKey(stat) !== key || Number(stat.size) < size) return false
  return Number(stat.size) === size ? String(stat.mtimeNs) === modifiedNs : hasFingerprint(path, key, fingerprint)
}

async function addBytes(hash: Hash, file: FileHandle, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - from))
  for (let at = from; at < to; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at)
    if (bytesRead === 0) throw new Error('a file is shorter than it was')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}
