// How a recorded run waits: never for longer than a limit, and whoever waited in vain says what was seen last.
import type { ChildProcess } from 'node:child_process'

/** Whatever is waited for must be so within it: a look at an answer, a command, a start. */
const WAIT_MS = 60_000
const LOOK_MS = 10
/** What was seen last, as far as an error tells it. */
const MAX_SEEN = 1000

/** What took longest of all that was waited for. */
let longest = { what: 'nothing', ms: 0 }
export const longestWait = (): string =>
  `${(longest.ms / 1000).toFixed(1)} s of the ${WAIT_MS / 1000} s that it may take, for: ${longest.what}`

function noteWait(what: string, since: number): void {
  const ms = performance.now() - since
  if (ms > longest.ms) longest = { what, ms }
}

const lateError = (what: string, seen: string): Error =>
  new Error(`${what}: not within ${WAIT_MS / 1000} s; seen last: ${seen.slice(-MAX_SEEN)}`)

/** Looks until something is so, or for too long: what was seen last, and whether it is so. */
export async function lookUntil<T>(
  what: string,
  look: () => Promise<T> | T,
  isSo: (seen: T) => boolean,
): Promise<{ seen: T; found: boolean }> {
  const since = performance.now()
  for (;;) {
    const seen = await look()
    const found = isSo(seen)
    if (found) noteWait(what, since)
    if (found || performance.now() - since > WAIT_MS) return { seen, found }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** Looks until something is so, and returns what was seen then. Throws where that takes too long. */
export async function until<T>(what: string, look: () => Promise<T> | T, isSo: (seen: T) => boolean): Promise<T> {
  const { seen, found } = await lookUntil(what, look, isSo)
  if (!found) throw lateError(what, JSON.stringify(seen) ?? 'nothing')
  return seen
}

/** Waits for what a process is to come to. Where that takes too long, kills it and throws, with what it has said. */
export async function within<T>(what: string, child: ChildProcess, said: () => string, come: Promise<T>): Promise<T> {
  const since = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(lateError(what, said()))
    }, WAIT_MS)
  })
  try {
    const result = await Promise.race([come, late])
    noteWait(what, since)
    return result
  } finally {
    clearTimeout(timer)
  }
}
