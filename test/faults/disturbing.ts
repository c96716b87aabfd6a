import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../corpus/random.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import type { Dependencies } from './dependencies.ts'
import { type Dependency, FAULTS, type Fault } from './faults.ts'

/** How long a fault lasts, and how long everything is well after it: twice as long, so that work is done in between. */
const FAULT_MS = [200, 12_000] as const
const WELL_MS = [1000, 20_000] as const
/** From 90 % on nothing is accepted. */
const FULL = 0.95
const JOURNAL_MEGABYTES = 64

export interface Disturbing {
  /** Ends what is on, and settles once all is well. */
  end(): Promise<void>
}

/** A part that has a fault now and then: how one of them begins, and what gives the way to its end. */
interface Disturbed {
  name: string
  faults: readonly Fault[]
  begin(fault: Fault): Promise<(() => Promise<void>) | undefined>
}

/** Gives each dependency one fault after the other, by chance, each by itself: several have one at once. */
export function disturb(
  parts: readonly Disturbed[],
  makeRandom: (part: number) => Random,
  onFault: (what: string) => void,
): Disturbing {
  const over = new AbortController()
  const pause = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  const disturbing = parts.map(async ({ name, faults, begin }, part) => {
    const random = makeRandom(part)
    for (;;) {
      await pause(random.between(...WELL_MS))
      if (over.signal.aborted) return
      const fault = random.pick(faults)
      const end = await begin(fault)
      if (end === undefined) continue
      onFault(`${name} ${fault}`)
      await pause(random.between(...FAULT_MS))
      await end()
    }
  })
  return {
    async end() {
      over.abort()
      await Promise.all(disturbing)
    },
  }
}

export const dependenciesOf = (dependencies: Dependencies): Disturbed[] =>
  (Object.keys(FAULTS) as Dependency[]).map((name) => ({
    name,
    faults: FAULTS[name],
    begin: (fault) => dependencies.begin(name, fault),
  }))

/** The folder of the journal on a small disk of its own; `undefined` where none may be mounted. */
export function journalOnSmallDisk(folder: string): (Disturbed & { remove(): void }) | undefined {
  const disk = mountSmallDisk(folder, JOURNAL_MEGABYTES)
  if (disk === undefined) return undefined
  return {
    name: "the journal's disk",
    faults: ['full'],
    async begin() {
      disk.fill(FULL)
      return async () => disk.free()
    },
    remove: disk.remove,
  }
}
