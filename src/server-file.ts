import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE_NAME = 'server.json'

/** Writes down where the server of this data folder listens, for the CLI. Returns how to forget it. */
export function rememberServer(dataDir: string, url: string): () => void {
  const path = join(dataDir, FILE_NAME)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(path, `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 })
  return () => rmSync(path, { force: true })
}

/** Where the server of this data folder listens, or listened last; `undefined` where none was written down. */
export function findServer(dataDir: string): string | undefined {
  try {
    const { url } = JSON.parse(readFileSync(join(dataDir, FILE_NAME), 'utf8')) as { url?: unknown }
    return typeof url === 'string' ? url : undefined
  } catch {
    return undefined
  }
}
