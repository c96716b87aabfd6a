import type { Columns } from './record-columns.ts'

/** The rows of a table as they were at one moment, while the table goes on to change. */
export interface Snapshot {
  /** Rows from there on came later. */
  readonly length: number
  /** The flags of that moment, by row; to be asked for anew after each interruption. */
  flags(): Uint8Array
  /** Where the values of a row are that it had then. */
  at(row: number): number
  close(): void
}

/**
 * What must outlive a change for those who still read the table as it was. Nothing is kept while nobody does. Flags
 * are copied at the first change; values that are written over go to a spare row; rows that become free are not used
 * again until the last snapshot is closed.
 */
export class Snapshots {
  readonly #columns: Columns
  readonly #open = new Set<{ length: number; flags: Uint8Array | undefined; moved: Map<number, number> }>()
  /** Free, but perhaps still read. */
  #freed: number[] = []
  readonly #onFree: (row: number) => void

  /** `onFree` hears of each row that may be used again. */
  constructor(columns: Columns, onFree: (row: number) => void) {
    this.#columns = columns
    this.#onFree = onFree
  }

  get areOpen(): boolean {
    return this.#open.size > 0
  }

  open(): Snapshot {
    const columns = this.#columns
    const one = { length: columns.length, flags: undefined as Uint8Array | undefined, moved: new Map<number, number>() }
    this.#open.add(one)
    return {
      length: one.length,
      flags: () => one.flags ?? columns.flags,
      at: (row) => one.moved.get(row) ?? row,
      close: () => {
        this.#open.delete(one)
        if (this.#open.size > 0) return
        const freed = this.#freed
        this.#freed = []
        for (const row of freed) this.#onFree(row)
      },
    }
  }

  /** The flags of some rows are about to change. */
  beforeChange(): void {
    for (const one of this.#open) one.flags ??= this.#columns.flags.slice(0, one.length)
  }

  /** The values of a row are about to be written over. There must be room for a row. */
  beforeWriting(row: number): void {
    if (!this.areOpen) return
    const spare = this.#columns.length++
    this.#columns.copyValues(row, spare)
    this.free(spare)
    // whoever began after an earlier writing reads another value than those before it
    for (const { moved, length } of this.#open) if (row < length && !moved.has(row)) moved.set(row, spare)
  }

  /** Nothing of the table is in this row any more. */
  free(row: number): void {
    if (this.areOpen) this.#freed.push(row)
    else this.#onFree(row)
  }
}
