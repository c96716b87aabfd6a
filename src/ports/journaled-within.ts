import { type SpanPlace, spanPlace } from './spans.ts'

interface Journaled {
  segment: string
  to: number
  within: SpanPlace
}

/** What was journaled within a trace, the latest alone; nothing where nobody records. */
const journaled: Journaled[] = []
const MAX_JOURNALED = 1000
/** Of one trace that ships it. */
const MAX_TOLD = 100

/** To be asked where an entry is handed over: notes where it was written, for the trace that it is handed over in. */
export function notingPlace(): (place: Pick<Journaled, 'segment' | 'to'>) => void {
  const within = spanPlace()
  if (within === undefined) return () => undefined
  return ({ segment, to }) => {
    journaled.push({ segment, to, within })
    if (journaled.length > MAX_JOURNALED) journaled.shift()
  }
}

/** The traces in which the entries of a range were journaled. */
export const journaledWithin = (segment: string, from: number, to: number): SpanPlace[] =>
  journaled
    .filter((one) => one.segment === segment && one.to > from && one.to <= to)
    .slice(-MAX_TOLD)
    .map(({ within }) => within)
