// Rule 8, spelled out once more: it shares no code with what it judges.
import type { RecordCopy } from '../../src/domain/token-record.ts'

/** A copy, and the log that it stands in: of the journal, its segment. */
export type Placed = RecordCopy & { log: string }

export interface Judged {
  /** The copy that counts, by identity. */
  winners: Map<string, Placed>
  /** Copies that conflict with one that counts. */
  conflicts: number
}

export function judgeByRule8(copies: readonly Placed[]): Judged {
  const winners = new Map<string, Placed>()
  let conflicts = 0
  for (const [identity, ofOne] of Map.groupBy(copies, (copy) => copy.identity)) {
    // what each user brought in, in each way
    const brought = [...Map.groupBy(ofOne, ({ byMutation, user }) => `${byMutation} ${user}`).values()]
    const transcripts = ofOne.filter(({ byMutation }) => !byMutation)
    const owners = brought.toSorted((a, b) => compare(claimOf(a), claimOf(b)))[0] as Placed[]
    const winner = best(transcripts.length > 0 ? transcripts : owners)
    winners.set(identity, winner)
    for (const some of brought) {
      const { byMutation, user } = some[0] as Placed
      if (byMutation === winner.byMutation && user === winner.user) continue
      if (figuresOf(best(some)) !== figuresOf(winner)) conflicts++
    }
  }
  return { winners, conflicts }
}

type Key = (number | string)[]

const totalOf = (copy: RecordCopy): number =>
  copy.input + copy.output + copy.cacheRead + copy.cacheCreation5m + copy.cacheCreation1h

const figuresOf = ({ input, output, cacheRead, cacheCreation5m, cacheCreation1h }: RecordCopy): string =>
  `${input} ${output} ${cacheRead} ${cacheCreation5m + cacheCreation1h}`

/** The main chain, then the larger total, then the earlier time, path and offset; of equal ones the place decides. */
const best = (copies: readonly Placed[]): Placed =>
  copies.toSorted((a, b) => compare(rankOf(a), rankOf(b)))[0] as Placed

const rankOf = (copy: Placed): Key => [
  copy.sidechain ? 1 : 0,
  -totalOf(copy),
  copy.time,
  Buffer.from(copy.path).toString('hex'),
  copy.offset,
  copy.log,
  copy.position,
]

/** The first copy of a user: by stamp, then by its place; of records that nobody else can have, by the user. */
const claimOf = (copies: readonly Placed[]): Key =>
  copies
    .map((copy): Key => [copy.stamp, copy.log, copy.stamp === 0 ? copy.position : 0, copy.user])
    .toSorted(compare)[0] as Key

function compare(a: Key, b: Key): number {
  for (const [i, one] of a.entries()) {
    const other = b[i] as number | string
    if (one !== other) return one < other ? -1 : 1
  }
  return 0
}
