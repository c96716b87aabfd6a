import { DIMENSION_NAMES, type Dimension } from '../domain/dimensions.ts'
import { bucketStarts, type Granularity, isTimeZone, parseMoment } from '../domain/time-buckets.ts'
import type { TokenFilter } from '../domain/token-query.ts'
import { onlyNearText } from './near-values.ts'
import { UsageError } from './usage-error.ts'

export const FORMATS = ['table', 'json', 'csv', 'markdown'] as const
export type Format = (typeof FORMATS)[number]

const GRANULARITY_OF = { hour: 'HOUR', day: 'DAY', week: 'WEEK', month: 'MONTH' } as const satisfies Record<
  string,
  Granularity
>
type PeriodName = keyof typeof GRANULARITY_OF
const PERIOD_NAMES = Object.keys(GRANULARITY_OF) as PeriodName[]

/** A column that rows are by. */
export type ColumnName = PeriodName | Dimension
const COLUMN_NAMES: readonly ColumnName[] = [...PERIOD_NAMES, ...DIMENSION_NAMES]
/** As many as tables have room for, with a figure beside them. */
const MAX_COLUMNS = 3

/** What rows are by. */
export interface By {
  /** In the order of the columns. */
  names: readonly ColumnName[]
  dimensions: readonly Dimension[]
  /** Of the one that is a time. */
  granularity: Granularity | undefined
}

export const isPeriod = (name: string): name is PeriodName => PERIOD_NAMES.some((one) => one === name)

/** Reads `day,model`. Throws a `UsageError`, as everything here does. */
export function readBy(text: string): By {
  const names = text.split(',').map((name) => name.trim())
  for (const name of names)
    if (!COLUMN_NAMES.some((known) => known === name))
      throw new UsageError(
        `--by must be of ${COLUMN_NAMES.join(', ')}, not "${name}"${onlyNearText(name, COLUMN_NAMES)}`,
      )
  const known = names as ColumnName[]
  if (new Set(known).size < known.length) throw new UsageError(`--by "${text}" names the same twice`)
  if (known.length > MAX_COLUMNS) throw new UsageError(`--by "${text}" has more than ${MAX_COLUMNS} names`)
  const periods = known.filter(isPeriod)
  if (periods.length > 1) throw new UsageError(`--by has one time alone, not ${periods.join(' and ')}`)
  return {
    names: known,
    dimensions: known.filter((name): name is Dimension => !isPeriod(name)),
    granularity: periods[0] === undefined ? undefined : GRANULARITY_OF[periods[0]],
  }
}

export const ORDER_KEYS = ['tokens', 'cost', 'records', 'name'] as const
export type OrderKey = (typeof ORDER_KEYS)[number]

/** How rows are sorted. */
export interface Order {
  /** Absent: times by time, everything else by tokens. */
  key: OrderKey | undefined
  /** Of the first column; absent: figures fall, times and names rise. */
  direction: 'asc' | 'desc' | undefined
}

export function readOrder(text: string | undefined): Order {
  const words = text === undefined ? [] : text.split(',').map((word) => word.trim())
  const order: Order = { key: undefined, direction: undefined }
  for (const word of words) {
    const key = ORDER_KEYS.find((one) => one === word)
    if (key !== undefined && order.key === undefined) order.key = key
    else if ((word === 'asc' || word === 'desc') && order.direction === undefined) order.direction = word
    else throw new UsageError(`--order must be desc or asc, one of ${ORDER_KEYS.join(', ')}, or both, not "${text}"`)
  }
  return order
}

export interface RangeOptions {
  since?: string
  until?: string
  from?: string
  to?: string
  last?: string
}

/** Two ways to say the same: at most one of them. */
export function readFormat({ format, json = false }: { format: Format; json?: boolean }): Format {
  if (json && format !== 'table' && format !== 'json')
    throw new UsageError(`--json and --format ${format} are two formats: one of them will do`)
  return json ? 'json' : format
}

/** An IANA time zone; `local` is that of this machine. */
export function readTimeZone(text: string): string {
  if (text === 'local') return new Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!isTimeZone(text)) throw new UsageError(`--time-zone "${text}" is not an IANA time zone`)
  return text
}

/** The range of time that is asked for. `now`: milliseconds since 1970. */
export function readRange(
  options: RangeOptions,
  timeZone: string,
  granularity: Granularity,
  now: number,
): Pick<TokenFilter, 'from' | 'to'> {
  for (const [one, other] of CONFLICTS)
    if (options[one] !== undefined && options[other] !== undefined)
      throw new UsageError(`--${one} and --${other} both say when: one of them will do`)
  if (options.last !== undefined) return { from: latest(options.last, timeZone, granularity, now) }
  const from = moment('since', options, timeZone, FIRST_MOMENT) ?? moment('from', options, timeZone, FIRST_MOMENT)
  const to = moment('until', options, timeZone, DAY_AFTER) ?? moment('to', options, timeZone, FIRST_MOMENT)
  if (from !== undefined && to !== undefined && from > to)
    throw new UsageError(
      options.since !== undefined || options.until !== undefined
        ? `--since ${options.since ?? options.from} is after --until ${options.until ?? options.to}`
        : `--from ${options.from} is after --to ${options.to}`,
    )
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

const CONFLICTS: readonly (readonly [keyof RangeOptions, keyof RangeOptions])[] = [
  ['since', 'from'],
  ['until', 'to'],
  ['last', 'since'],
  ['last', 'until'],
  ['last', 'from'],
  ['last', 'to'],
]

const FIRST_MOMENT = (date: string): string => date
const DAY_AFTER = (date: string): string => {
  const day = new Date(`${date}T00:00:00Z`)
  return Number.isNaN(day.getTime()) ? date : new Date(day.getTime() + 86_400_000).toISOString().slice(0, 10)
}

function moment(
  name: Exclude<keyof RangeOptions, 'last'>,
  options: RangeOptions,
  timeZone: string,
  dayOf: (date: string) => string,
): number | undefined {
  const text = options[name]
  if (text === undefined) return undefined
  const date = text.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')
  // a day that there is not must not pass for the one after it
  const isDate = /^\d{4}-\d\d-\d\d$/.test(date) && parseMoment(date, timeZone) !== undefined
  const time = parseMoment(isDate ? dayOf(date) : date, timeZone)
  if (time === undefined)
    throw new UsageError(`--${name} "${text}" is neither a date (2026-04-02) nor an RFC 3339 timestamp`)
  return time
}

const UNITS = { h: 'HOUR', d: 'DAY', w: 'WEEK', m: 'MONTH' } as const satisfies Record<string, Granularity>

/** The beginning of the latest so many periods, the current one among them. */
function latest(text: string, timeZone: string, granularity: Granularity, now: number): number {
  const [, count, unit] = /^([1-9]\d{0,3})([hdwm])?$/.exec(text) ?? []
  if (count === undefined)
    throw new UsageError(`--last "${text}" is no number of periods, such as 7, 24h, 7d, 4w or 3m`)
  const startOf = bucketStarts({
    granularity: unit === undefined ? granularity : UNITS[unit as keyof typeof UNITS],
    timeZone,
  })
  let start = startOf(now)
  for (let left = Number(count) - 1; left > 0; left--) start = startOf(start - 1)
  return start
}
