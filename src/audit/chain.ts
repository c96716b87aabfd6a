import { fstatSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { damagedAfter } from './beginning.ts'
import { auditFiles, auditPath, syncFolder, tailOf } from './files.ts'
import { type Head, openHead } from './head.ts'
import { encodeLine, type PlacedEvent } from './line.ts'
import { type Limits, type Removal, removalOf } from './removal.ts'

/** The files of one chain, which one process writes. One call at a time. */
export interface Chain {
  /** Settles when these are on disk, and the head says so. After a failure the same may be written again. */
  write(events: readonly PlacedEvent[]): Promise<void>
  head(): Head
  close(): Promise<void>
}

export interface ChainOptions extends Limits {
  folder: string
  key: Buffer
  head: Head
  /** A new file is begun when one has so many bytes. */
  maxFileBytes: number
  /** The oldest files went, which is an entry, so that nobody else can take them away. */
  onRemoved?: ((removed: Removal['removed']) => void) | undefined
}

interface OpenFile {
  handle: FileHandle
  path: string
  size: number
}

export function createChain(options: ChainOptions): Chain {
  const { folder, key, head: begun, maxFileBytes, onRemoved } = options
  const keptHead = openHead(folder, key, begun)
  let head = begun
  let current: OpenFile | undefined

  const forget = async (): Promise<void> => {
    const left = current
    current = undefined
    await left?.handle.close().catch(() => undefined)
  }
  /** What is written to a file that was removed or replaced cannot be found again. */
  const isThere = ({ handle, path }: OpenFile): boolean => {
    const [opened, named] = [fstatSync(handle.fd), statSync(path, { throwIfNoEntry: false })]
    return opened.ino === named?.ino && opened.dev === named.dev
  }
  const append = async (file: OpenFile, events: readonly PlacedEvent[]): Promise<void> => {
    let link: Head = head
    const lines: Buffer[] = []
    for (const event of events) {
      const next = encodeLine(key, link, event)
      lines.push(next.line)
      link = { ...link, ...next.link, damaged: damagedAfter(link.damaged, next.link.position, event.action) }
    }
    const bytes = Buffer.concat(lines)
    // always behind what is known to be good: what a failed write left there is written over
    for (let at = 0; at < bytes.length; )
      at += (await file.handle.write(bytes, at, bytes.length - at, file.size + at)).bytesWritten
    await file.handle.datasync()
    if (!isThere(file)) throw new Error(`${file.path} was removed or replaced`)
    keptHead.set(link)
    file.size += bytes.length
    head = link
  }

  return {
    async write(events) {
      try {
        if (current !== undefined && current.size >= maxFileBytes) await forget()
        const removal = current === undefined ? removalOf(auditFiles(folder), options, events[0]?.at ?? 0) : undefined
        current ??= await openLast(folder, head, maxFileBytes)
        await append(current, removal === undefined ? events : [removal.note, ...events])
        for (const { path } of removal?.files ?? []) rmSync(path)
        if (removal !== undefined) onRemoved?.(removal.removed)
      } catch (error) {
        if (current !== undefined && !isThere(current)) await forget()
        throw error
      }
    },
    head: () => head,
    async close() {
      await forget()
      keptHead.close()
    },
  }
}

/** The file that the chain goes on in: the last one, while it has room and ends where the chain is; else a new one. */
async function openLast(folder: string, head: Head, maxFileBytes: number): Promise<OpenFile> {
  const [last] = auditFiles(folder).slice(-1)
  if (last !== undefined && last.size < maxFileBytes && tailOf(last).line?.hmac === head.hmac)
    return { handle: await open(last.path, 'r+'), path: last.path, size: last.size }
  const path = auditPath(folder, head.position + 1)
  // one that a failed write left there holds nothing that was acknowledged
  const handle = await open(path, 'w', 0o600)
  syncFolder(folder)
  return { handle, path, size: 0 }
}
