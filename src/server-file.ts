import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockPathOf, takeLock } from './process-lock.ts'

const FILE_NAME = 'server.json'

/** The right of one server at a time to a data folder. */
export interface ServerPlace {
  /**
   * Writes down where the server listens, for the CLI, and the certificate (PEM) that it shows there. Returns how to
   * forget it.
   */
  remember(url: string, certificate?: string): () => void
  /** Gives the folder back, for the next server. */
  leave(): void
}

/** Two, because somebody may remove a lock file that is held, to help: the hidden one is not among `*.lockdb`. */
const LOCKED = ['server', '.server']

/** All of these locks or none: returns how to give them back, or `undefined`. */
function takeLocks(paths: readonly string[]): (() => void) | undefined {
  const taken: (() => void)[] = []
  const leave = (): void => {
    for (const unlock of taken.splice(0)) unlock()
  }
  try {
    for (const path of paths) {
      const unlock = takeLock(path)
      if (unlock === undefined) return void leave()
      taken.push(unlock)
    }
  } catch (error) {
    leave()
    throw error
  }
  return leave
}

/** Takes the data folder for a server; throws where another one has it, and says which. */
export function takeServerPlace(dataDir: string): ServerPlace {
  const path = join(dataDir, FILE_NAME)
  const unlock = takeLocks(LOCKED.map((name) => lockPathOf(join(dataDir, name))))
  if (unlock === undefined)
    throw new Error(
      `DATA_DIR ${dataDir} is in use by ${describe(findServer(dataDir))}: stop that server, or set DATA_DIR to a folder of its own`,
    )
  // of a server that was killed: who asks for it from here on is asking for this one, which does not listen yet
  rmSync(path, { force: true })
  return {
    remember(url, certificate) {
      const text = `${JSON.stringify({ url, pid: process.pid, certificate })}\n`
      writeFileSync(path, text, { mode: 0o600 })
      return () => {
        if (readText(path) === text) rmSync(path, { force: true })
      }
    },
    leave: unlock,
  }
}

/** A server, as it was written down. */
interface Server {
  url: string
  pid: unknown
  /** Of HTTPS, as PEM. */
  certificate: string | undefined
}

/** Where the server of this data folder listens, or listened last; `undefined` where none was written down. */
export function findServer(dataDir: string): Server | undefined {
  try {
    const { url, pid, certificate } = JSON.parse(readText(join(dataDir, FILE_NAME)) ?? '') as Record<string, unknown>
    if (typeof url !== 'string') return undefined
    return { url, pid, certificate: typeof certificate === 'string' ? certificate : undefined }
  } catch {
    return undefined
  }
}

/** Somebody has the folder, and nobody can ask them. */
export class NotListeningError extends Error {
  constructor(dataDir: string) {
    super(
      `a server has the data folder ${dataDir}, and does not listen (yet): it starts or ends; try again, or name one with --server`,
    )
    this.name = 'NotListeningError'
  }
}

/** Between two looks whether a server listens. */
const LOOK_MS = 50

/**
 * As `findServer`, but where a server has the folder and does not listen, as it starts or ends, it is waited for. Throws
 * where that takes longer than `waitMs`.
 */
export async function findListening(dataDir: string, waitMs: number): Promise<Server | undefined> {
  const until = performance.now() + waitMs
  for (;;) {
    const found = findServer(dataDir)
    if (found !== undefined || !isServed(dataDir)) return found
    if (performance.now() >= until) throw new NotListeningError(dataDir)
    await sleep(LOOK_MS)
  }
}

/** Whether a server has the folder; its locks are taken for no longer than it takes to see that. */
function isServed(dataDir: string): boolean {
  const paths = LOCKED.map((name) => lockPathOf(join(dataDir, name))).filter((path) => existsSync(path))
  try {
    const unlock = takeLocks(paths)
    unlock?.()
    return unlock === undefined
  } catch {
    // whoever may not write there cannot know
    return false
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const describe = (server: Server | undefined): string =>
  server === undefined
    ? 'another server, which does not listen (yet)'
    : `process ${server.pid}, which listens at ${server.url}`
