import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const BIN = fileURLToPath(new URL('../../bin/token-bridge.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  stdout(): string
  stderr(): string
  signal(signal: NodeJS.Signals): void
  /** Writes to its standard input. */
  tell(text: string): void
  ended: Promise<Ended>
}

/** Starts the built program. `before`: a command that runs it. */
export const start = (
  args: readonly string[],
  folder: string,
  settings: Record<string, string> = {},
  before: readonly string[] = [],
): Running => startCommand([...before, process.execPath, BIN, ...args], folder, settings)

/** Starts a command in a folder, with an environment of its own; killed at the end of the test. */
export function startCommand(
  [command = '', ...rest]: readonly string[],
  folder: string,
  settings: Record<string, string> = {},
): Running {
  const child = spawn(command, rest, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...settings },
  })
  let stdout = ''
  let stderr = ''
  // a character may be cut by the end of a chunk
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk))
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (signal) => void child.kill(signal),
    tell: (text) => void child.stdin.write(text),
    ended,
  }
}

export const run = (args: readonly string[], folder: string, settings?: Record<string, string>): Promise<Ended> =>
  start(args, folder, settings).ended
