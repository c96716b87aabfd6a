/** Records that were acknowledged or published and cannot be read now. */
export interface Losses {
  /** By the files. */
  inFiles: number
  /** By anybody. */
  everywhere: number
}
