import type { IdentityBuckets } from './identity-buckets.ts'
import { NONE } from './known-file.ts'
import { bestOf, conflictsWith, hasOtherFigures, isOfAnother } from './owners.ts'
import { WINS } from './record-columns.ts'
import { isRowBetter, type RankedRows } from './row-ranks.ts'

/** Which rows of a table count: of each identity, the one with the flag WINS (rule 8). */
export class Winners {
  /** Rows that count: the number of identities. */
  count = 0
  /**
   * Rows that do not count and have other figures than the winner: the best of another user, or of another way in. A set,
   * since there are few.
   */
  readonly conflicting = new Set<number>()
  readonly #rows: RankedRows
  readonly #identities: IdentityBuckets

  constructor(rows: RankedRows, identities: IdentityBuckets) {
    this.#rows = rows
    this.#identities = identities
  }

  /** The row that counts for the identity of `row`. */
  of(row: number): number {
    const { flags } = this.#rows.columns
    for (const other of this.#alike(row)) if (((flags[other] as number) & WINS) !== 0) return other
    throw new Error('an identity without a winner')
  }

  /** Whether the record of a row counts for somebody else, or by another way in, with other figures. */
  conflicts(row: number): boolean {
    const winner = this.of(row)
    return winner !== row && isOfAnother(this.#rows, row, winner) && hasOtherFigures(this.#rows, row, winner)
  }

  /** Decides anew which row of the identity of `changed` wins. */
  elect(changed: number): void {
    const { columns: c } = this.#rows
    let best = NONE
    let old = NONE
    let isMixed = false
    for (let row = this.#identities.headOf(changed); row !== NONE; row = c.bucketNext[row] as number) {
      if (row !== changed && !c.sameIdentity(row, changed)) continue
      if (((c.flags[row] as number) & WINS) !== 0) old = row
      if (this.conflicting.size > 0) this.conflicting.delete(row)
      // most identities are in one file alone: no rank is made for them
      if (best !== NONE && isOfAnother(this.#rows, row, best)) isMixed = true
      if (best === NONE || isRowBetter(this.#rows, row, best)) best = row
    }
    if (isMixed) {
      const rows = [...this.#alike(changed)]
      best = bestOf(this.#rows, rows)
      for (const row of conflictsWith(this.#rows, best, rows)) this.conflicting.add(row)
    }
    if (old === best || best === NONE) return
    if (old === NONE) this.count++
    else c.flags[old] = (c.flags[old] as number) & ~WINS
    c.flags[best] = (c.flags[best] as number) | WINS
  }

  /** A row was taken out of the lists: whoever it stood before, or kept from taking part, may win now. */
  release(gone: number): void {
    const { columns: c } = this.#rows
    this.conflicting.delete(gone)
    if (((c.flags[gone] as number) & WINS) !== 0) {
      this.count--
      c.flags[gone] = (c.flags[gone] as number) & ~WINS
    }
    const [heir] = this.#alike(gone)
    if (heir !== undefined) this.elect(heir)
  }

  /** The rows with the identity of `row`. */
  *#alike(row: number): Iterable<number> {
    const c = this.#rows.columns
    for (let other = this.#identities.headOf(row); other !== NONE; other = c.bucketNext[other] as number)
      if (c.sameIdentity(other, row)) yield other
  }
}
