import { clip } from './clip.ts'
import { SUMS } from './token-counts.ts'
import type { GroupUsage, SessionUsage, TokenAnswer, UsageSums } from './token-query.ts'
import type { Work } from './work.ts'

/** A field that two answers to one query have otherwise. */
interface Differing {
  field: string
  control: string
  candidate: string
}

/** Longest name of a field, and longest value, that is told: names of projects may be long. */
const MAX_TEXT = 200

/**
 * The fields that two answers to the same query have otherwise, the first `most` of them: all that a client can see, in
 * whatever order the lists are. A group without records is one that is not there. It yields after each item of a list.
 */
export function* compareAnswers(control: TokenAnswer, candidate: TokenAnswer, most: number): Work<Differing[]> {
  const found: Differing[] = []
  const note: Note = (field, ours, theirs) => {
    if (ours === theirs || found.length >= most) return
    found.push({ field: clip(field, MAX_TEXT), control: told(ours), candidate: told(theirs) })
  }
  compareSums('whole', control.whole, candidate.whole, note)
  note('firstAt', control.firstAt, candidate.firstAt)
  note('lastAt', control.lastAt, candidate.lastAt)
  // the database counts them only where that is asked for
  if (candidate.sessionCount !== undefined) note('sessionCount', control.sessionCount, candidate.sessionCount)
  for (const by of Object.keys(control.groups)) {
    const [ours, theirs] = [control.groups[by] ?? [], candidate.groups[by] ?? []]
    yield* eachPair(ours, theirs, groupName, (name, a, b) =>
      compareSums(`by ${by}[${name}]`, a?.usage ?? [], b?.usage ?? [], note),
    )
  }
  if (candidate.sessions !== undefined)
    yield* eachPair(control.sessions ?? [], candidate.sessions, sessionName, (name, a, b) =>
      compareSessions(`sessions[${name}]`, a, b, note),
    )
  return found
}

type Value = string | number | bigint | undefined
type Note = (field: string, control: Value, candidate: Value) => void

const told = (value: Value): string => (value === undefined ? 'nothing' : clip(String(value), MAX_TEXT))

const groupName = ({ values, start }: GroupUsage): string =>
  JSON.stringify(start === 0 ? values : [...values, new Date(start).toISOString()]).slice(1, -1)
const sessionName = ({ id }: SessionUsage): string => id

/** Every item of either list, with the one of the same name in the other. */
function* eachPair<T>(
  control: readonly T[],
  candidate: readonly T[],
  nameOf: (item: T) => string,
  compare: (name: string, control: T | undefined, candidate: T | undefined) => void,
): Work<void> {
  const left = new Map<string, T>()
  for (const item of candidate) {
    left.set(nameOf(item), item)
    yield
  }
  for (const item of control) {
    const name = nameOf(item)
    compare(name, item, left.get(name))
    left.delete(name)
    yield
  }
  for (const [name, item] of left) {
    compare(name, undefined, item)
    yield
  }
}

function compareSums(place: string, control: readonly UsageSums[], candidate: readonly UsageSums[], note: Note): void {
  const theirs = new Map(candidate.map((sums) => [kindOf(sums), sums]))
  for (const ours of control) {
    const kind = kindOf(ours)
    for (const field of SUMS) note(`${place}[${kind}].${field}`, ours[field], theirs.get(kind)?.[field] ?? 0n)
    theirs.delete(kind)
  }
  for (const [kind, sums] of theirs) for (const field of SUMS) note(`${place}[${kind}].${field}`, 0n, sums[field])
}

/** Costs follow from the model and from how long prompts are. */
const kindOf = ({ model, tier }: UsageSums): string => (tier === 0 ? model : `${model}, tier ${tier}`)

/** Where its latest record stands is shown to nobody: what it shows of it is. */
function compareSessions(
  place: string,
  control: SessionUsage | undefined,
  candidate: SessionUsage | undefined,
  note: Note,
): void {
  compareSums(place, control?.usage ?? [], candidate?.usage ?? [], note)
  for (const member of ['project', 'user', 'host', 'startedAt', 'lastActivityAt'] as const)
    note(`${place}.${member}`, control?.[member], candidate?.[member])
}
