/** What a run is watched by (promise 1.7), each with the value from which it is an alarm. */
export interface RunFigures {
  /** Of the server's own heap and buffers. */
  memoryBytes: number
  /** Since the run began. */
  elapsedSeconds: number
  /** What was expected when its catalogue was frozen; `undefined` while it is not. */
  estimatedSeconds: number | undefined
  /** Groups of records that were published, and what held shipping up, in this run. */
  groups: number
  errors: number
  /** Share of the tokens that differ; `undefined` before it was verified. */
  variance: number | undefined
}

interface Line {
  name: string
  figure: (run: RunFigures) => number
  /** From `alarm` on it is told; from `limit` on the alarm says that the promise is broken. */
  alarm: number
  limit: number
  unit: string
  show: (value: number) => string
}

const MEGABYTE = 1e6
/** A short run is over before its estimate means anything. */
const SHORTEST_SECONDS = 60
const percent = (value: number): string => `${(value * 100).toFixed(3)} %`

const LINES: readonly Line[] = [
  {
    name: 'memory',
    figure: ({ memoryBytes }) => memoryBytes / MEGABYTE,
    alarm: 150,
    limit: 200,
    unit: 'MB of heap and buffers',
    show: (value) => value.toFixed(0),
  },
  {
    name: 'error rate',
    figure: ({ groups, errors }) => errors / Math.max(1, groups + errors),
    alarm: 0.001,
    limit: 0.01,
    unit: 'of the groups',
    show: percent,
  },
  {
    name: 'duration',
    figure: ({ elapsedSeconds, estimatedSeconds }) =>
      estimatedSeconds === undefined ? 0 : elapsedSeconds / Math.max(SHORTEST_SECONDS, estimatedSeconds),
    alarm: 1.5,
    limit: 3,
    unit: 'times its estimate',
    show: (value) => value.toFixed(1),
  },
  {
    name: 'duration',
    figure: ({ elapsedSeconds }) => elapsedSeconds,
    alarm: 1800,
    limit: 1800,
    unit: 's',
    show: (value) => value.toFixed(0),
  },
  {
    // a run with any difference is FAILED; the alarm says how large it is
    name: 'token variance',
    figure: ({ variance }) => variance ?? 0,
    alarm: 0.00001,
    limit: 0.001,
    unit: 'of the tokens',
    show: percent,
  },
]

/** What is past its line now, in words. */
export function alarmsOf(run: RunFigures): string[] {
  return LINES.flatMap(({ name, figure, alarm, limit, unit, show }) => {
    const value = figure(run)
    if (value < alarm) return []
    return [
      `${name}: ${show(value)} ${unit}, ${value >= limit ? `past the limit of ${show(limit)}` : `past ${show(alarm)}`}`,
    ]
  })
}

export type WatchedEvent = 'group' | 'error' | 'end'

/** Of the run that is carried: what was published and went wrong in this process, and which alarms were told. */
export function createWatched() {
  let watched = { run: '', groups: 0, errors: 0, told: new Set<string>() }
  return {
    of(run: string): Pick<RunFigures, 'groups' | 'errors'> {
      const { groups, errors } = watched.run === run ? watched : { groups: 0, errors: 0 }
      return { groups, errors }
    },
    note(run: string, event: WatchedEvent): void {
      if (watched.run !== run) watched = { run, groups: 0, errors: 0, told: new Set() }
      if (event === 'group') watched.groups++
      if (event === 'error') watched.errors++
    },
    /** Those that were not told yet; each is told once a run, whatever its value. */
    untold(alarms: readonly string[]): string[] {
      return alarms.filter((alarm) => {
        const name = alarm.slice(0, alarm.indexOf(':'))
        const isNew = !watched.told.has(name)
        watched.told.add(name)
        return isNew
      })
    },
  }
}
