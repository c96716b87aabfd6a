/** A value as people read it: whole ones as they are, others to four digits. */
export const valueText = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
