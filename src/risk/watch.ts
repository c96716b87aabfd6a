import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EnteredName,
  INDICATOR_NAMES,
  type IndicatorName,
  type IndicatorState,
  judge,
  type MeasuredName,
  rowOf,
  type Severity,
} from './indicators.ts'
import { runbookOf } from './runbooks.ts'

/** What a measurement came to. */
export interface Measured {
  value: number
  /** When it was measured, in milliseconds since 1970; absent: now. */
  at?: number
  /** Who says so. */
  by?: string
}

/** An indicator as it is now. */
export interface Indicator {
  name: IndicatorName
  value: number | null
  unit: string
  alarmLine: number | null
  threshold: number | null
  severity: Severity
  state: IndicatorState
  measuredAt: number | null
  source: string
  runbook: string
}

type Maybe<T> = T | undefined

/** How each indicator is measured; `undefined`: it cannot be, or nothing has happened that it could be measured by. */
export type Measures = Record<MeasuredName, () => Maybe<Measured> | Promise<Maybe<Measured>>>

export interface RiskWatchOptions {
  measures: Measures
  /** What CI and people have entered. */
  entered: () => Promise<Partial<Record<EnteredName, Measured>>>
  now: () => number
  /** A measurement threw: what it measures is unknown. */
  onFailed: (name: IndicatorName, error: unknown) => void
  /** For one of them. */
  withinMs?: number
  /** All were measured. */
  onEvaluated?: (indicators: readonly Indicator[]) => void
}

/** Measures everything that is watched, regularly and on demand. */
export interface RiskWatch {
  /** Measures all of them now; calls at once share one look. */
  evaluate(): Promise<readonly Indicator[]>
  /** As they were measured last. */
  latest(): readonly Indicator[]
}

/** What is not measured by then is not known. */
const WITHIN_MS = 10_000

export function createRiskWatch(options: RiskWatchOptions): RiskWatch {
  const { measures, now, onFailed, onEvaluated, withinMs = WITHIN_MS } = options
  let latest: readonly Indicator[] = INDICATOR_NAMES.map((name) => indicatorOf(name, undefined, now()))
  const look = createLook(withinMs)
  const entered = (): Promise<Partial<Record<EnteredName, Measured>>> => look('entered', options.entered)
  const evaluate = async (): Promise<readonly Indicator[]> => {
    const figures = entered()
    const measure = async (name: IndicatorName): Promise<Maybe<Measured>> => {
      try {
        return isMeasured(name) ? await look(name, measures[name]) : (await figures)[name as EnteredName]
      } catch (error) {
        onFailed(name, error)
        return undefined
      }
    }
    latest = await Promise.all(INDICATOR_NAMES.map(async (name) => indicatorOf(name, await measure(name), now())))
    onEvaluated?.(latest)
    return latest
  }
  let running: Promise<readonly Indicator[]> | undefined
  return {
    evaluate() {
      running ??= evaluate().finally(() => {
        running = undefined
      })
      return running
    },
    latest: () => latest,
  }
}

/** Waits no longer than that; what goes on nevertheless, such as a look at a disk that hangs, is not begun once more. */
function createLook(withinMs: number) {
  const going = new Map<string, Promise<unknown>>()
  return async <T>(name: string, of: () => T | Promise<T>): Promise<T> => {
    const begun = (going.get(name) as Promise<T> | undefined) ?? Promise.resolve().then(of)
    going.set(name, begun)
    const isOver = (): boolean => going.delete(name)
    begun.then(isOver, isOver)
    const waiting = new AbortController()
    const late = sleep(withinMs, undefined, { ref: false, signal: waiting.signal }).then(() => {
      throw new Error('it took too long')
    })
    late.catch(() => undefined)
    return await Promise.race([begun, late]).finally(() => waiting.abort())
  }
}

const isMeasured = (name: IndicatorName): name is MeasuredName => rowOf(name).how === 'measured'

function indicatorOf(name: IndicatorName, measured: Maybe<Measured>, now: number): Indicator {
  const { unit, alarm, threshold, severity, source, how, ...row } = rowOf(name)
  const state = judge({ alarm, threshold, ...row }, measured?.value)
  return {
    name,
    value: state === 'UNKNOWN' ? null : (measured?.value ?? null),
    unit,
    alarmLine: alarm,
    threshold,
    severity,
    state,
    measuredAt: measured === undefined ? null : (measured.at ?? now),
    source: `${how}: ${source}${measured?.by === undefined ? '' : ` (${measured.by})`}`,
    runbook: runbookOf(name),
  }
}
