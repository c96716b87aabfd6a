import { describe, expect, test } from 'vitest'
import { bucketEdges } from '../../../src/clickhouse/statements/bucket-slots.ts'
import { bucketStarts } from '../../../src/domain/time-buckets.ts'
import { SLOT_MS } from '../../../src/domain/token-query.ts'

/** With a change of clocks at midnight, by half an hour, by a whole day that was skipped, and none. */
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Beirut', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/St_Johns']

describe.each(ZONES)('in %s', (timeZone) => {
  test.each([
    ['DAY', 2026],
    ['DAY', 2012],
    ['WEEK', 2026],
    ['MONTH', 2026],
  ] as const)('every slot goes to the first of its bucket (%s, around %i)', (granularity, year) => {
    const edges = bucketEdges({ granularity, timeZone }, year)
    const startOf = bucketStarts({ granularity, timeZone })
    const end = edges.at(-1) as number
    expect(edges).toEqual(edges.toSorted((a, b) => a - b))
    for (const [i, edge] of edges.slice(0, -1).entries())
      for (let slot = edge; slot < (edges[i + 1] as number); slot++)
        if (startOf(slot * SLOT_MS) !== startOf(edge * SLOT_MS)) expect.fail(`slot ${slot} of ${edge}`)
    expect(end * SLOT_MS).toBe(Date.UTC(year + 2, 0, 1))
  })
})
