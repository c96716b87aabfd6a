import { readFileSync, statSync } from 'node:fs'
import { Unleash } from 'unleash-client'
import type { FlagPlace, Flags } from '../ports/flags.ts'
import { createChangeTimes } from './change-times.ts'
import { type ChangeListener, DefinitionsRepository, describeChanges, parseDefinitions } from './definitions.ts'
import { startEvaluation } from './evaluation.ts'
import type { ImpressionListener } from './experiment-setup.ts'
import { createProblems, type ProblemListener } from './problems.ts'
import { noteDefinitions } from './user-flags.ts'

/** How often the file is looked at. */
const WATCH_MS = 250

/**
 * Flags from a file in the format of Unleash's client API, evaluated by Unleash's own client. A change counts at
 * once; a file that cannot be read leaves the last known flags, and at the start everything off. When they changed is
 * kept in `changesPath`.
 */
export async function openFlagsFile(
  path: string,
  listener: ProblemListener & ChangeListener & ImpressionListener,
  { place, changesPath }: { place?: FlagPlace; changesPath?: string } = {},
): Promise<Flags> {
  const repository = new DefinitionsRepository()
  const problems = createProblems(listener)
  const changes = createChangeTimes(repository, problems, changesPath)
  let loaded: string | undefined
  let lookedAt: number | undefined
  const load = (): void => {
    try {
      // looked at before it is read: what changes meanwhile is read again
      const { mtimeNs, size, ino } = statSync(path, { bigint: true })
      const version = `${ino} ${size} ${mtimeNs}`
      if (version === loaded) {
        // where it could be read
        if (lookedAt !== undefined) lookedAt = Date.now()
        return
      }
      loaded = version
      lookedAt = undefined
      const definitions = parseDefinitions(readFileSync(path, 'utf8'))
      const isFirst = repository.now() === undefined
      const changed = repository.set(definitions)
      noteDefinitions(definitions, changed, problems)
      changes.note()
      lookedAt = Date.now()
      problems.set('file', {})
      if (!isFirst && changed.length > 0) listener.onChange?.(describeChanges(changed))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') loaded = undefined
      const count = repository.now() === undefined ? 'everything is off' : 'the last known flags count'
      problems.set('file', { unreadable: `${path} cannot be read: ${(error as Error).message}; ${count}` })
    }
  }
  load()
  const watching = setInterval(load, WATCH_MS)
  watching.unref()
  const unleash = new Unleash({
    appName: 'token-bridge',
    url: 'http://flags-file.invalid',
    repository,
    disableMetrics: true,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
  })
  await unleash.start()
  const evaluation = await startEvaluation(unleash, repository, problems, listener, place)
  return {
    ...evaluation.flags,
    known: () => changes.known(lookedAt),
    health() {
      const wrong = problems.all()
      return wrong.length === 0
        ? { state: 'UP', detail: `the file ${path}` }
        : { state: 'DEGRADED', detail: `the file ${path}; ${wrong.join('; ')}` }
    },
    close() {
      clearInterval(watching)
      evaluation.end()
    },
  }
}
