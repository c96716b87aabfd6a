import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Unleash } from 'unleash-client'
import { HEALTH_EVERY_MS, POLICIES, type Policy } from '../policies/policies.ts'
import type { Flags } from '../ports/flags.ts'
import { type Answer, createAsking } from './ask-unleash.ts'
import { type ChangeListener, DefinitionsRepository, describeChanges, parseDefinitions } from './definitions.ts'
import { createProblems, type ProblemListener, type Problems } from './problems.ts'
import { createUserFlags, noteDefinitions } from './user-flags.ts'

export interface UnleashOptions extends ProblemListener, ChangeListener {
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
  const ask = createAsking({ url, apiToken: options.apiToken, appName, instanceId, signal, policy })
  /** What counts while Unleash is not reached. */
  let counting = loadFirst(options, backup, repository, problems)
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
    if (answer.kind === 'unchanged') return
    etag = answer.etag
    problems.set('files', {})
    const changed = repository.set(answer.definitions)
    noteDefinitions(answer.definitions, changed, problems)
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
  await settledWithin(FIRST_FLAGS_MS, poll())
  return {
    of: createUserFlags(unleash, repository, problems),
    health() {
      const wrong = problems.all()
      const ageMs = performance.now() - askedAt
      if (wrong.length > 0) return { state: 'DEGRADED', detail: wrong.join('; '), ageMs }
      return reached
        ? { state: 'UP', detail: url, ageMs }
        : { state: 'DEGRADED', detail: `${url} was not reached yet; ${counting}`, ageMs }
    },
    close() {
      closing.abort()
      clearTimeout(timer)
      unleash.destroy()
    },
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
    mkdirSync(dirname(backup), { recursive: true, mode: 0o700 })
    writeFileSync(`${backup}.new`, text, { mode: 0o600 })
    renameSync(`${backup}.new`, backup)
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
