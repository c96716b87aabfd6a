/** A place in the shared ledger. */
export interface LedgerMark {
  /** Of the publisher who wrote it: entries of the largest one count. */
  epoch: number
  /** Counts up. */
  number: number
}

export interface LedgerRow extends LedgerMark {
  /** Stands for everything before it. */
  whole: boolean
  /** What readers count is being changed from here on. */
  open: boolean
  /** JSON. */
  entry: string
}

export interface LedgerHead extends LedgerMark {
  open: boolean
  /** The latest epoch that was taken: whoever took it may not have written anything yet. */
  fence: number
  /** Who took it. */
  holder: string
}

/** The ledger as the database keeps it, beside the records. */
export interface LedgerTable {
  append(row: LedgerRow): Promise<void>
  /**
   * What follows on `mark`, in its order; where that is of an earlier epoch, everything that counts. The first row then
   * stands for all before it. The same where rows that follow on the mark are gone.
   */
  after(mark: LedgerMark): Promise<Pick<LedgerRow, 'epoch' | 'number' | 'entry'>[]>
  /** The last entry that counts; all numbers are 0 where there is none. */
  head(): Promise<LedgerHead>
  /** Rows of earlier epochs are not needed any more. */
  forgetEpochsBefore(epoch: number): Promise<void>
  /** Nor are those before this one; slower. */
  forgetBefore(mark: LedgerMark): Promise<void>
}
