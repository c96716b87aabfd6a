import { type ChildProcess, spawn } from 'node:child_process'

const STDIO = ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit']

/** Load is what is measured. */
const NO_BOUNDS = { RATE_COST_PER_MINUTE: '0', RATE_RECORDS_PER_MINUTE: '0', RATE_BYTES_PER_MINUTE: '0' }

/**
 * The program, in a process of its own, on a free port. `log`: where its log goes; absent: to the terminal. `folder`: where
 * the program is.
 */
export function startBridge(settings: Record<string, string>, log?: number, folder = '.'): ChildProcess {
  return spawn(process.execPath, ['bin/token-bridge.js', 'serve'], {
    cwd: folder,
    stdio: log === undefined ? STDIO : ['ignore', 'pipe', log],
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'warn', ...NO_BOUNDS, ...settings },
  })
}

export function startHello(): ChildProcess {
  return spawn(process.execPath, ['bench/hello-server.ts'], { stdio: STDIO })
}

export function startBare(): ChildProcess {
  return spawn(process.execPath, ['bench/bare-server.ts'], { stdio: STDIO })
}

/** What sends the same bytes to every question: `bytes-server.ts` says of which kinds there are. */
export function startBytes(kind: 'fastify' | 'http', payloadFile: string, secretFile: string): ChildProcess {
  return spawn(process.execPath, ['bench/bytes-server.ts', kind, payloadFile, secretFile], { stdio: STDIO })
}

export function startCollector(): ChildProcess {
  return spawn(process.execPath, ['bench/collector-server.ts'], { stdio: STDIO })
}

/** Waits for a line of output; returns what the pattern's group matched. */
export async function untilLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout as NonNullable<ChildProcess['stdout']>) {
    text += chunk
    const match = pattern.exec(text)
    if (match !== null) return match[1] as string
  }
  throw new Error(`the server ended: ${text}`)
}
