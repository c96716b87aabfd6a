import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Unleash } from 'unleash-client'
import { createLatency, type Latency } from '../policies/latency.ts'
import { HEALTH_EVERY_MS, POLICIES, type Policy } from '../policies/policies.ts'
import type { FlagPlace, Flags } from '../ports/flags.ts'
import { type Answer, type AskUnleash, createAsking } from './ask-unleash.ts'
import { createChangeTimes } from './change-times.ts'
import { type ChangeListener, DefinitionsRepository, describeChanges, parseDefinitions } from './definitions.ts'
import { startEvaluation } from './evaluation.ts'
import type { ImpressionListener } from './experiment-setup.ts'
import { keepFile } from './kept-file.ts'
import { createProblems, type ProblemListener, type Problems } from './problems.ts'
import { noteDefinitions } from './user-flags.ts'

export interface UnleashOptions extends ProblemListener, ChangeListener, ImpressionListener {
  /** `http://host:4242/api`. */
  url: string
  apiToken: string | undefined
  appName: string
  /** Folder where the last known flags are kept. */
  folder: string
  /** Flags until Unleash was reached for the first time, where none are known. */
  bootstrapFile: string | undefined
  /** The flags that come with the program: what counts where there are no others. */
  defaultFile: string
  /** Between two questions, which also tell how Unleash is: after half a minute at the latest it is asked in any case. */
  refreshIntervalMs: number
  policy?: Policy
  /** Keeps when flags changed. */
  changesPath?: string
  place?: FlagPlace
}

/** How long the start waits for the first flags: after that, the last known ones count. */
const FIRST_FLAGS_MS = 2000
const LAST_KNOWN = 'the last known flags count'

/**
 * Flags from an Unleash server: polled, and evaluated by Unleash's own client. Until it was reached, those count that
 * were known last, then those of the bootstrap file, then those that come with the program, then everything is off.
 */
export async function connectUnleash(options: UnleashOptions): Promise<Flags> {
  const { url, appName, refreshIntervalMs, policy = POLICIES.unleash.poll } = options
  const problems = createProblems(options)
  const repository = new DefinitionsRepository()
  const backup = join(options.folder, `unleash-backup-${appName.replaceAll('/', '_')}.json`)
  const closing = new AbortController()
  const instanceId = randomUUID()
  const { signal } = closing
  const latency = createLatency()
  const ask = timed(latency, createAsking({ url, apiToken: options.apiToken, appName, instanceId, signal, policy }))
  /** What counts while Unleash is not reached. */
  let counting = loadFirst(options, backup, repository, problems)
  const changes = createChangeTimes(repository, problems, options.changesPath)
  /** Those that were known last were so when they were kept, and later. */
  let heardAt = counting === LAST_KNOWN ? statSync(backup, { throwIfNoEntry: false })?.mtimeMs : undefined
  let reached = false
  let kept: string | undefined
  let etag: string | undefined
  let askedAt = performance.now()
  let timer: NodeJS.Timeout | undefined

  const take = (answer: Answer): void => {
    askedAt = performance.now()
    if (answer.kind !== 'flags' && answer.kind !== 'unchanged')
      return problems.set('server', { [answer.kind]: `${answer.problem}; ${counting}` })
    problems.set('server', {})
    reached = true
    counting = LAST_KNOWN
    heardAt = Date.now()
    if (answer.kind === 'unchanged') return
    etag = answer.etag
    problems.set('files', {})
    const changed = repository.set(answer.definitions)
    noteDefinitions(answer.definitions, changed, problems)
    changes.note()
    if (answer.text !== kept && keep(backup, answer.text, problems)) kept = answer.text
    if (changed.length > 0) options.onChange?.(describeChanges(changed))
  }

  const poll = async (): Promise<void> => {
    const answer = await ask(etag)
    if (signal.aborted) return
    if (answer !== undefined) take(answer)
    timer = setTimeout(() => void poll(), Math.min(refreshIntervalMs, HEALTH_EVERY_MS))
    timer.unref()
  }

  const unleash = await startClient(options, instanceId, repository)
  const evaluation = await startEvaluation(unleash, repository, problems, options, options.place)
  await settledWithin(FIRST_FLAGS_MS, poll())
  return {
    ...evaluation.flags,
    known: () => changes.known(heardAt),
    health() {
      const wrong = problems.all()
      const heard = { ageMs: performance.now() - askedAt, latencyMs: latency.ms() }
      if (wrong.length > 0) return { state: 'DEGRADED', detail: wrong.join('; '), ...heard }
      if (!reached) return { state: 'DEGRADED', detail: `${url} was not reached yet; ${counting}`, ...heard }
      return { state: 'UP', detail: url, ...heard }
    },
    close() {
      closing.abort()
      clearTimeout(timer)
      evaluation.end()
    },
  }
}

function timed(latency: Latency, ask: AskUnleash): AskUnleash {
  let isFirst = true
  return async (etag) => {
    const end = latency.begin()
    const answer = await ask(etag)
    const hasAnswered = answer !== undefined && answer.kind !== 'unreachable'
    // the first answer is late by all that this process does at its start
    if (!hasAnswered || !isFirst) end(hasAnswered)
    isFirst = false
    return answer
  }
}

/** Evaluates what is in the repository; it asks Unleash nothing. */
async function startClient(
  { url, appName, apiToken }: UnleashOptions,
  instanceId: string,
  repository: DefinitionsRepository,
): Promise<Unleash> {
  const unleash = new Unleash({
    url,
    appName,
    instanceId,
    repository,
    customHeaders: apiToken === undefined ? {} : { Authorization: apiToken },
    disableAutoStart: true,
    skipInstanceCountWarning: true,
  })
  // it tells Unleash how often flags were asked for: where that fails, no flag changes, and polling says so
  unleash.on('error', () => undefined)
  await unleash.start()
  return unleash
}

/** Loads what counts until Unleash is reached. Returns what that is. */
function loadFirst(
  options: UnleashOptions,
  backup: string,
  repository: DefinitionsRepository,
  problems: Problems,
): string {
  const { bootstrapFile, defaultFile } = options
  const candidates = [
    ...(existsSync(backup) ? [{ path: backup, count: LAST_KNOWN }] : []),
    ...(bootstrapFile === undefined ? [] : [{ path: bootstrapFile, count: `the flags of ${bootstrapFile} count` }]),
    { path: defaultFile, count: 'the flags that come with the program count' },
  ]
  const unreadable: Record<string, string> = {}
  const found = candidates.find(({ path }) => {
    try {
      const definitions = parseDefinitions(readFileSync(path, 'utf8'))
      noteDefinitions(definitions, repository.set(definitions), problems)
      return true
    } catch (error) {
      unreadable[path] = `${path} cannot be read: ${(error as Error).message}`
      return false
    }
  })
  problems.set('files', unreadable)
  return found?.count ?? 'everything is off'
}

/** Keeps the last known flags for the next start: whole, or those before. Returns whether it could. */
function keep(backup: string, text: string, problems: Problems): boolean {
  try {
    keepFile(backup, text)
    problems.set('backup', {})
    return true
  } catch (error) {
    const { message } = error as Error
    problems.set('backup', { unwritten: `the flags cannot be kept for the next start: ${message}` })
    return false
  }
}

async function settledWithin(timeoutMs: number, settling: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeoutMs)
  await Promise.race([settling, promise])
  clearTimeout(timer)
}
