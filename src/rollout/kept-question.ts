import { z } from 'zod'
import {
  DIMENSION_NAMES,
  DIMENSIONS,
  type FilterList,
  GROUPED_DIMENSIONS,
  type Grouping,
} from '../domain/dimensions.ts'
import { GRANULARITIES, isTimeZone } from '../domain/time-buckets.ts'
import type { TokenQuery } from '../domain/token-query.ts'

const names = z.array(z.string()).optional()
const LISTS = Object.fromEntries(DIMENSION_NAMES.map((name) => [DIMENSIONS[name].filter, names])) as Record<
  FilterList,
  typeof names
>
const MOMENT = z.number().int().min(-8.64e15).max(8.64e15).optional()
const BUCKETS = z.object({ granularity: z.enum(GRANULARITIES), timeZone: z.string().refine(isTimeZone) })
const AXIS = z.union([z.enum(GROUPED_DIMENSIONS as [string, ...string[]]), BUCKETS])
const QUESTION = z.object({
  filter: z.object({ from: MOMENT, to: MOMENT, ...LISTS }),
  groupings: z.array(z.array(AXIS)).max(100),
  sessions: z.boolean(),
  countSessions: z.boolean(),
})

/** What `questionText` wrote; `undefined` where it is something else: whoever may write to the database may have. */
export function readQuestion(text: string): TokenQuery | undefined {
  try {
    const { filter, groupings, ...rest } = QUESTION.parse(JSON.parse(text))
    // members that are undefined are none
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
    return { ...rest, filter: given, groupings: groupings as Grouping[] }
  } catch {
    return undefined
  }
}
