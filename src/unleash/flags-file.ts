import { EventEmitter } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { Unleash } from 'unleash-client'
import { z } from 'zod'
import type { Flags, FlagsHealth } from '../ports/flags.ts'
import { readUserFlags } from './user-flags.ts'

type Repository = NonNullable<ConstructorParameters<typeof Unleash>[0]['repository']>
type Feature = NonNullable<ReturnType<Repository['getToggle']>>

const FILE = z.object({
  version: z.number(),
  features: z.array(z.looseObject({ name: z.string(), enabled: z.boolean() })),
  segments: z.array(z.looseObject({ id: z.number() })).optional(),
})

/** How often the file is looked at. */
const WATCH_MS = 250

/**
 * Flags from a file in the format of Unleash's client API, evaluated by Unleash's own client. A change counts at
 * once; a file that cannot be read leaves the last known flags.
 */
export async function openFlagsFile(path: string, onProblem: (problem: string) => void): Promise<Flags> {
  const repository = new FileRepository()
  let problem: string | undefined
  let loaded: string | undefined
  const load = (): void => {
    try {
      // looked at before it is read: what changes meanwhile is read again
      const { mtimeNs, size, ino } = statSync(path, { bigint: true })
      const version = `${ino} ${size} ${mtimeNs}`
      if (version === loaded) return
      loaded = version
      repository.set(FILE.parse(JSON.parse(readFileSync(path, 'utf8'))))
      problem = undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') loaded = undefined
      const message = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message
      if (message !== problem) onProblem(message)
      problem = message
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
  return {
    of: (userId) => readUserFlags(unleash, userId),
    health: (): FlagsHealth =>
      problem === undefined
        ? { state: 'UP', detail: `the file ${path}` }
        : { state: 'DEGRADED', detail: `the last known flags, because ${path} cannot be read: ${problem}` },
    close() {
      clearInterval(watching)
      unleash.destroy()
    },
  }
}

class FileRepository extends EventEmitter implements Repository {
  #features = new Map<string, Feature>()
  #segments = new Map<number, ReturnType<Repository['getSegment']>>()

  set({ features, segments = [] }: z.infer<typeof FILE>): void {
    this.#features = new Map(features.map((feature) => [feature.name, feature as Feature]))
    this.#segments = new Map(segments.map((segment) => [segment.id, segment as never]))
  }

  getToggle(name: string): Feature | undefined {
    return this.#features.get(name)
  }

  getToggles(): Feature[] {
    return [...this.#features.values()]
  }

  getTogglesWithSegmentData(): never[] {
    return []
  }

  getSegment(id: number): ReturnType<Repository['getSegment']> {
    return this.#segments.get(id)
  }

  stop(): void {}

  async start(): Promise<void> {
    this.emit('ready')
  }
}
