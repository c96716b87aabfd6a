import { z } from 'zod'
import { type EnteredName, INDICATOR_NAMES, type IndicatorName, rowOf } from './indicators.ts'
import type { Measured } from './watch.ts'

// What this server cannot measure: CI and people write it into a file (`RISK_FIGURES_FILE`).

/** Older figures say nothing of today. */
export const ENTERED_FOR_MS = 31 * 86_400_000

const FIGURE = z.strictObject({
  value: z.number(),
  /** RFC 3339. */
  at: z.iso.datetime({ offset: true }),
  by: z.string().min(1).max(200).optional(),
})
const FILE = z.record(z.string(), FIGURE)

export interface Entered {
  figures: Partial<Record<EnteredName, Measured>>
  /** What is wrong with the file, in words. */
  mistakes: string[]
}

const isEntered = (name: string): name is EnteredName =>
  INDICATOR_NAMES.includes(name as IndicatorName) && rowOf(name as IndicatorName).how === 'entered'

/** Reads such a file. One that is wrong tells nothing, and says why; figures that are too old, or of tomorrow, are left out. */
export function readEntered(text: string, now: number): Entered {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { figures: {}, mistakes: ['it is no JSON'] }
  }
  const read = FILE.safeParse(json)
  if (!read.success)
    return { figures: {}, mistakes: read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) }
  const entered: Entered = { figures: {}, mistakes: [] }
  for (const [name, { value, at, by }] of Object.entries(read.data)) {
    const enteredAt = Date.parse(at)
    if (!isEntered(name)) entered.mistakes.push(`${name} is no indicator that is entered`)
    else if (enteredAt > now) entered.mistakes.push(`${name} is of a time to come`)
    else if (now - enteredAt <= ENTERED_FOR_MS)
      entered.figures[name] = { value, at: enteredAt, ...(by !== undefined && { by }) }
  }
  return entered
}
