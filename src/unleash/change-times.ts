import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { FLAG_NAMES, type FlagKey, type KnownFlags } from '../ports/flags.ts'
import { type DefinitionsRepository, evaluated, type Feature } from './definitions.ts'
import { keepFile } from './kept-file.ts'
import type { Problems } from './problems.ts'

/** When each flag was seen to change last: neither Unleash's client API nor a file tells that. */
export interface ChangeTimes {
  /** To be called whenever it was heard which flags count. */
  note(): void
  known(asOf: number | undefined): KnownFlags
}

const KEPT = z.record(z.string(), z.object({ digest: z.string(), at: z.number().optional() }))
type Kept = z.infer<typeof KEPT>
const NAMES = Object.entries(FLAG_NAMES) as [FlagKey, string][]

/**
 * Kept in the file, where there is one, with a digest of each flag: so a change while nobody looked is seen at the next
 * start. A file that is lost or damaged is begun anew: then no change has been seen yet.
 */
export function createChangeTimes(
  repository: Pick<DefinitionsRepository, 'getToggle'>,
  problems: Pick<Problems, 'set'>,
  path?: string,
): ChangeTimes {
  const seen = new Map(Object.entries(path === undefined ? {} : readKept(path)))
  let version = 0
  const keep = (): void => {
    if (path === undefined) return
    try {
      keepFile(path, JSON.stringify(Object.fromEntries(seen)))
      problems.set('change times', {})
    } catch (error) {
      const { message } = error as Error
      problems.set('change times', { unwritten: `when flags changed cannot be kept for the next start: ${message}` })
    }
  }
  return {
    note() {
      let isNew = false
      for (const [, name] of NAMES) {
        const digest = digestOf(repository.getToggle(name))
        const last = seen.get(name)
        if (last?.digest === digest) continue
        seen.set(name, last === undefined ? { digest } : { digest, at: Date.now() })
        isNew = true
      }
      // of other flags nobody is asked, but of segments, which stand apart from them
      version++
      if (isNew) keep()
    },
    known: (asOf) => ({ asOf, version, flags: flagsNow(repository, seen) }),
  }
}

function flagsNow(
  repository: Pick<DefinitionsRepository, 'getToggle'>,
  seen: ReadonlyMap<string, Kept[string]>,
): KnownFlags['flags'] {
  const flags = NAMES.map(([key, name]) => [
    key,
    { enabled: repository.getToggle(name)?.enabled === true, lastChangedAt: seen.get(name)?.at },
  ])
  return Object.fromEntries(flags)
}

function readKept(path: string): Kept {
  try {
    return KEPT.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return {}
  }
}

/** The same for flags that are evaluated the same, in whatever order their members come. */
function digestOf(feature: Feature | undefined): string {
  const text = JSON.stringify(evaluated(feature), (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return createHash('sha256').update(text).digest('base64url')
}
