import { NONE } from './known-file.ts'
import type { Columns } from './record-columns.ts'

/** The rows that nothing of the table is in, nor of any snapshot: a list that goes on in `Columns.fileNext`. */
export class FreeRows {
  readonly #columns: Columns
  #first = NONE

  constructor(columns: Columns) {
    this.#columns = columns
  }

  give(row: number): void {
    this.#columns.fileNext[row] = this.#first
    this.#first = row
  }

  /** One of them, or else a new one, for which there must be room. */
  take(): number {
    const row = this.#first
    if (row === NONE) return this.#columns.length++
    this.#first = this.#columns.fileNext[row] as number
    return row
  }
}
