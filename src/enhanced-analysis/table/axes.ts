import {
  bucketsOf,
  DIMENSION_NAMES,
  DIMENSIONS,
  type Dimension,
  dimensionsOf,
  type GroupedDimension,
  type Grouping,
} from '../../domain/dimensions.ts'
import { isOwnText } from '../../domain/record-fields.ts'
import { type Buckets, bucketStarts } from '../../domain/time-buckets.ts'
import { type GroupUsage, SLOT_MS, type TokenFilter } from '../../domain/token-query.ts'
import { createDictionary } from './dictionary.ts'
import { SIDECHAIN } from './record-columns.ts'
import type { RecordTable } from './record-table.ts'

/** Where the rows have a dimension. */
interface Place {
  /** A number for each row: the column of now, as the table may grow into a larger one. */
  column: () => Uint32Array | Uint8Array
  /** The value that a number of the column stands for. */
  values: readonly string[]
  /** Where no two numbers have the same value: the number of one. */
  find?: (value: string) => number | undefined
}

/** For each combination of flags, whether the record is of a sidechain. */
const SIDECHAINS = Array.from({ length: 256 }, (_, flags) => String((flags & SIDECHAIN) !== 0))

function placeOf({ columns, texts, origins }: RecordTable, name: Dimension): Place {
  const { field } = DIMENSIONS[name]
  if (field === 'sidechain') return { column: () => columns.flags, values: SIDECHAINS }
  if (isOwnText(field))
    return { column: () => columns.texts[field], values: texts[field].texts, find: texts[field].find }
  return { column: () => columns.origin, values: origins.list.map((origin) => origin[field]) }
}

/** What a filter asks of one dimension: a row is selected if the number that it has in the column is marked with 1. */
export interface Selection {
  column: Place['column']
  marks: Uint8Array
}

/** What a filter asks of each dimension that it names. */
export function selectionsOf(table: RecordTable, filter: TokenFilter): Selection[] {
  return DIMENSION_NAMES.flatMap((name) => {
    const asked = filter[DIMENSIONS[name].filter]
    if (asked === undefined) return []
    const place = placeOf(table, name)
    return [{ column: place.column, marks: marksOf(place, asked) }]
  })
}

function marksOf({ values, find }: Place, asked: readonly string[]): Uint8Array {
  const set = new Set(asked)
  if (find === undefined) return Uint8Array.from(values, (value) => (set.has(value) ? 1 : 0))
  const marks = new Uint8Array(values.length)
  for (const value of set) {
    const number = find(value)
    if (number !== undefined) marks[number] = 1
  }
  return marks
}

/** Numbers by which rows are grouped, and what a number stands for. */
export interface Numbered {
  /** Fills in the numbers of the first `count` rows: whole, below 2^26. */
  fill(rows: Uint32Array, count: number, numbers: Uint32Array): void
  /** Writes what a number stands for into a group. */
  describe(number: number, group: Pick<GroupUsage, 'values' | 'start'>): void
}

/** More than any number of rows, buckets (hours, up to 2261) and values. */
const MAX_NUMBERS = 2 ** 26

/** The groups of a grouping. `rows` is how many `fill` gets at most. */
export function numbered(table: RecordTable, grouping: Grouping, rows: number): Numbered {
  const buckets = bucketsOf(grouping)
  const [first = EVERYTHING, ...rest] = [
    ...dimensionsOf(grouping).map((dimension) => numberedBy(table, dimension)),
    ...(buckets === undefined ? [] : [numberedByBucket(table, buckets)]),
  ]
  return rest.reduce((before, axis) => paired(before, axis, rows), first)
}

/** One group. */
const EVERYTHING: Numbered = {
  fill: (_, count, numbers) => void numbers.fill(0, 0, count),
  describe() {},
}

function numberedBy(table: RecordTable, dimension: GroupedDimension): Numbered {
  const { column, values, find } = placeOf(table, dimension)
  if (find !== undefined)
    return {
      fill(rows, count, numbers) {
        const now = column()
        for (let i = 0; i < count; i++) numbers[i] = now[rows[i] as number] as number
      },
      describe: (number, group) => void group.values.push(values[number] as string),
    }
  const distinct = createDictionary()
  const numberOf = Uint32Array.from(values, (value) => distinct.add(value))
  return {
    fill(rows, count, numbers) {
      const now = column()
      for (let i = 0; i < count; i++) numbers[i] = numberOf[now[rows[i] as number] as number] as number
    },
    describe: (number, group) => void group.values.push(distinct.texts[number] as string),
  }
}

function numberedByBucket({ columns }: RecordTable, buckets: Buckets): Numbered {
  const startOf = bucketStarts(buckets)
  const starts: number[] = []
  const numberOfStart = new Map<number, number>()
  // the clocks are asked once for each slot; records of a log follow each other, mostly in the slot of the one before
  const numberOfSlot = new Map<number, number>()
  let lastSlot = -1
  let last = 0
  const numberOf = (slot: number): number => {
    const start = startOf(slot * SLOT_MS)
    const known = numberOfStart.get(start) ?? starts.push(start) - 1
    numberOfStart.set(start, known)
    numberOfSlot.set(slot, known)
    return known
  }
  return {
    fill(rows, count, numbers) {
      const { time } = columns
      for (let i = 0; i < count; i++) {
        const slot = Math.floor((time[rows[i] as number] as number) / SLOT_MS)
        if (slot !== lastSlot) last = numberOfSlot.get(slot) ?? numberOf(slot)
        lastSlot = slot
        numbers[i] = last
      }
    },
    describe(number, group) {
      group.start = starts[number] as number
    },
  }
}

/** Numbers each pair of numbers that occurs. */
function paired(first: Numbered, second: Numbered, rows: number): Numbered {
  const known = new Map<number, number>()
  const pairs: number[] = []
  const others = new Uint32Array(rows)
  return {
    fill(some, count, numbers) {
      first.fill(some, count, numbers)
      second.fill(some, count, others)
      for (let i = 0; i < count; i++) {
        const pair = (numbers[i] as number) * MAX_NUMBERS + (others[i] as number)
        let number = known.get(pair)
        if (number === undefined) {
          number = pairs.push(pair) - 1
          known.set(pair, number)
        }
        numbers[i] = number
      }
    },
    describe(number, group) {
      const pair = pairs[number] as number
      first.describe(Math.floor(pair / MAX_NUMBERS), group)
      second.describe(pair % MAX_NUMBERS, group)
    },
  }
}
