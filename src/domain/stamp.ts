/**
 * The stamp of the first record of what was brought in together, in microseconds since 1970; the others have theirs one
 * after the other. An earlier release gave none: it follows from when the entry was made.
 */
export const stampOf = ({ stamp, at }: { stamp?: number; at: number }): number => stamp ?? at * 1000

/**
 * The stamp of a record whose identity is made of who sent it: whoever else has that identity has computed it, and must
 * never have been there first.
 */
export const OWN_STAMP = 1
