import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Measured {
  seconds: number
  /** Peak resident memory in MB; NaN where the system does not tell (no /proc). */
  peakMb: number
  stdout: string
}

const POLL_MS = 25

/** Runs a command to its end. Throws where it fails. */
export function measure(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    let peakKb = Number.NaN
    child.stdout.on('data', (chunk) => (stdout += chunk))
    child.stderr.on('data', (chunk) => (stderr += chunk))
    const timer = setInterval(() => {
      const now = peakOf(child.pid)
      if (now !== undefined) peakKb = now
    }, POLL_MS)
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(timer)
      if (code !== 0) return reject(new Error(`${command} ${args.join(' ')} failed (${code}): ${stderr}`))
      resolve({ seconds: (performance.now() - started) / 1000, peakMb: peakKb / 1024, stdout })
    })
  })
}

/** The high-water mark that Linux keeps of a process. */
export function peakOf(pid: number | undefined): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return match === null ? undefined : Number(match[1])
  } catch {
    return undefined
  }
}

/** MB that a process holds now, or of it what is its own (not mapped from files); NaN where the system does not tell. */
export function residentMb(pid: number, what: 'VmRSS' | 'RssAnon' = 'VmRSS'): number {
  const match = new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? Number.NaN) / 1024
}

/** Of `/proc/PID/stat`: Linux tells hundredths of a second, on every machine. */
const TICK_US = 10_000

/** Microseconds of the processor that a process has taken so far, all of its threads together. */
export function cpuUs(pid: number | undefined): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return (user + system) * TICK_US
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
