/** An entry of operational state, as the database keeps it. */
export interface StateRow {
  /** SHA-256 of `entry`, in hexadecimal. */
  id: string
  /** When it came: milliseconds since 1970 by the clock of the database. */
  told: number
  /** JSON. */
  entry: string
}

/** What every instance that uses the database has told of preferences, access and the guard. */
export interface StateTable {
  /** What came at that time or later, the earliest first. */
  since(told: number): Promise<StateRow[]>
  /** It is there for everybody when the promise settles. */
  add(rows: readonly Omit<StateRow, 'told'>[]): Promise<void>
}
