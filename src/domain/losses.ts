/** Records that were acknowledged or published and cannot be read now. */
export interface Losses {
  /** By the files. */
  inFiles: number
  /** By anybody. */
  everywhere: number
}

/** Whether answers lack something that was acknowledged or published. */
export interface Lacking {
  /** Those of the files. */
  inFiles: boolean
  /** All of them. */
  everywhere: boolean
}
