/** What an instance tells of its journal: a sign of life, and whether others lack something of it. */
export interface JournalSign {
  /** Id of the journal: instances that share its folder have the same. */
  journal: string
  /** Host and data folder. */
  instance: string
  /**
   * When it was told: milliseconds since 1970 by the clock of the database, as the instance knew it. So a row that comes
   * late, after it was given up, looks as old as it is.
   */
  beat: number
  /** The journal has, or may soon have, what was acknowledged and is not published. */
  pending: boolean
  /** The instance ended by itself, and acknowledges nothing more. */
  ended: boolean
}

/** The journals of all instances that use one database. */
export interface JournalTable {
  /** What every instance told last, and the clock of the database. */
  look(): Promise<{ now: number; signs: JournalSign[] }>
  /** It is there for everybody when the promise settles. */
  tell(sign: JournalSign): Promise<void>
}
