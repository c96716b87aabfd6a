import type { FreeRows } from './free-rows.ts'
import type { Columns } from './record-columns.ts'

/** A bit of a snapshot's flags, beside those of the table: the row was written over since. */
export const MOVED = 128

/** The rows of a table as they were at one moment, while the table goes on to change. */
export interface Snapshot {
  /** Rows from there on came later. */
  readonly length: number
  /** The flags of that moment, by row, and `MOVED`; to be asked for anew after each interruption. */
  flags(): Uint8Array
  /** Where the values of a row are that it had then: elsewhere than in the row only where its flags say `MOVED`. */
  at(row: number): number
  close(): void
}

interface Opened {
  /** Counts up. */
  number: number
  length: number
  flags: Uint8Array | undefined
  moved: Map<number, number>
}

/**
 * What must outlive a change for those who still read the table as it was. Nothing is kept while nobody does. Flags
 * are copied at the first change; values that are written over go to a spare row; rows that become free are used again
 * as soon as nobody reads them any more who began before that, though others may have begun since.
 */
export class Snapshots {
  readonly #columns: Columns
  /** The oldest first. */
  readonly #open = new Set<Opened>()
  #opened = 0
  /** Rows that are free, but perhaps still read by whoever began up to the number-th; the oldest first. */
  readonly #freed: { upTo: number; rows: number[] }[] = []
  readonly #rows: FreeRows

  constructor(columns: Columns, rows: FreeRows) {
    this.#columns = columns
    this.#rows = rows
  }

  get areOpen(): boolean {
    return this.#open.size > 0
  }

  open(): Snapshot {
    const columns = this.#columns
    const one: Opened = { number: ++this.#opened, length: columns.length, flags: undefined, moved: new Map() }
    this.#open.add(one)
    return {
      length: one.length,
      flags: () => one.flags ?? columns.flags,
      at: (row) => one.moved.get(row) ?? row,
      close: () => {
        this.#open.delete(one)
        this.#giveBack()
      },
    }
  }

  /** The flags of some rows are about to change. */
  beforeChange(): void {
    for (const one of this.#open) this.#flagsOf(one)
  }

  /** The values of a row are about to be written over. There must be room for a row. */
  beforeWriting(row: number): void {
    if (!this.areOpen) return
    const spare = this.#rows.take()
    this.#columns.copyValues(row, spare)
    this.free(spare)
    // whoever began after an earlier writing reads another value than those before it
    for (const one of this.#open) {
      if (row >= one.length || one.moved.has(row)) continue
      one.moved.set(row, spare)
      const flags = this.#flagsOf(one)
      flags[row] = (flags[row] as number) | MOVED
    }
  }

  /** Nothing of the table is in this row any more. */
  free(row: number): void {
    if (!this.areOpen) return this.#rows.give(row)
    const last = this.#freed.at(-1)
    if (last?.upTo === this.#opened) last.rows.push(row)
    else this.#freed.push({ upTo: this.#opened, rows: [row] })
  }

  /** The copy of the flags of its moment, which is made before the first change. */
  #flagsOf(one: Opened): Uint8Array {
    one.flags ??= this.#columns.flags.slice(0, one.length)
    return one.flags
  }

  /** Who began after a row was free has its flags of then, by which it is nobody's. */
  #giveBack(): void {
    const oldest = this.#open.values().next().value?.number ?? Number.POSITIVE_INFINITY
    for (let first = this.#freed[0]; first !== undefined && first.upTo < oldest; first = this.#freed[0]) {
      this.#freed.shift()
      for (const row of first.rows) this.#rows.give(row)
    }
  }
}
