import { distance } from 'fastest-levenshtein'

/** Values that are told at most. */
const TOLD = 4
/** What is longer was not typed. */
const MAX_TYPED = 200

/** Of known values those that somebody may have meant: that contain what was asked for, then those a few letters away. */
function nearValues(asked: string, known: readonly string[]): string[] {
  if (asked === '' || asked.length > MAX_TYPED) return []
  const lower = asked.toLowerCase()
  const containing = known.filter((value) => value.toLowerCase().includes(lower))
  containing.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  const byEnd = Map.groupBy(known, lastWord)
  const similar = [...similarTo(asked, known), ...similarTo(asked, [...byEnd.keys()])]
  return [...new Set([...containing, ...similar.flatMap((word) => byEnd.get(word) ?? word)])].slice(0, TOLD)
}

/** Those that differ in at most some two of five letters, the nearest first. */
function similarTo(asked: string, known: readonly string[]): string[] {
  const most = Math.floor(asked.length * 0.4) + 1
  return known
    .filter((value) => Math.abs(value.length - asked.length) <= most)
    .map((value) => ({ value, letters: distance(asked.toLowerCase(), value.toLowerCase()) }))
    .filter(({ letters }) => letters <= most)
    .sort((a, b) => a.letters - b.letters || (a.value < b.value ? -1 : 1))
    .map(({ value }) => value)
}

/** Of a path the last folder, which says what is meant; of a name of several words the last one. */
const lastWord = (value: string): string => value.split(/[/-]/).at(-1) ?? value

/** What is near, as the end of a message; nothing where nothing is. */
export function onlyNearText(asked: string, known: readonly string[]): string {
  const near = nearValues(asked, known)
  return near.length === 0 ? '' : `; near: ${near.join(', ')}`
}

/** What is near, or else some of what is known, as the end of a message. */
export function nearText(asked: string, known: readonly string[]): string {
  const near = onlyNearText(asked, known)
  if (near !== '') return near
  return known.length === 0 ? '' : `; there are: ${known.slice(0, TOLD).join(', ')}${known.length > TOLD ? ', …' : ''}`
}
