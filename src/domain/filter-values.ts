import { compareUtf8 } from './compare-utf8.ts'
import type { GroupUsage } from './token-query.ts'
import { compareBigint } from './usage.ts'

/** A value of a dimension, and how many records have it. */
export interface FilterValue {
  value: string
  recordCount: bigint
}

/** The values of groups of one dimension, the most used first, equal ones by their UTF-8 bytes. */
export function valuesByUse(groups: readonly GroupUsage[]): FilterValue[] {
  return groups
    .map(({ values: [value = ''], usage }) => ({
      value,
      recordCount: usage.reduce((sum, { records }) => sum + records, 0n),
    }))
    .sort((a, b) => compareBigint(b.recordCount, a.recordCount) || compareUtf8(a.value, b.value))
}

/** The first of the values in which a text occurs, whatever the case of either; an empty text is in all of them. */
export function searchValues(values: readonly FilterValue[], search: string, first: number): FilterValue[] {
  const wanted = folded(search)
  const found: FilterValue[] = []
  for (const value of values) {
    if (found.length === first) break
    if (folded(value.value).includes(wanted)) found.push(value)
  }
  return found
}

/** One rule for every source: compatible characters are the same, and so are cases, by Unicode and no language. */
const folded = (text: string): string => text.normalize('NFKC').toLowerCase()
