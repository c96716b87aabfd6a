/** Reads one cell; throws where it is something else. */
type Cell<T> = (cell: unknown) => T

/**
 * What rows look like that come as lists of cells, for statements with many rows: half the processor time of objects. The
 * names of the columns come first, once.
 */
export class CompactRow<Row> {
  readonly columns: readonly string[]
  readonly #cells: readonly Cell<unknown>[]

  /** By column, in the order of the statement. */
  constructor(cells: { [Name in keyof Row]-?: Cell<Row[Name]> }) {
    this.columns = Object.keys(cells)
    this.#cells = Object.values(cells)
  }

  parse(cells: readonly unknown[]): Row {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < this.columns.length; i++)
      row[this.columns[i] as string] = (this.#cells[i] as Cell<unknown>)(cells[i])
    return row as Row
  }

  /** Throws where a result has other columns. */
  check(names: readonly unknown[]): void {
    if (names.join(' ') !== this.columns.join(' '))
      throw new Error(`a result has the columns ${names.join(' ')}, and not ${this.columns.join(' ')}`)
  }
}

export const text: Cell<string> = (cell) => {
  if (typeof cell !== 'string') throw new Error(`a cell is no text: ${typeof cell}`)
  return cell
}
/** Of up to 32 bits. */
export const small: Cell<number> = (cell) => {
  if (typeof cell !== 'number') throw new Error(`a cell is no number: ${typeof cell}`)
  return cell
}
/** Of 64 bits or more, which come as text. */
export const large: Cell<bigint> = (cell) => BigInt(text(cell))
/** The same of what is known to be small enough for a number: milliseconds since 1970, places. */
export const safe: Cell<number> = (cell) => Number(text(cell))

export const texts: Cell<string[]> = (cell) => listOf(cell).map(text)

export function listOf(cell: unknown): unknown[] {
  if (!Array.isArray(cell)) throw new Error(`a cell is no list: ${typeof cell}`)
  return cell
}
