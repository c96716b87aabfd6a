import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { recordStoreSuite } from '../support/record-store-suite.ts'
import { removeEngineAfterAll, testDatabase } from '../support/sides.ts'

removeEngineAfterAll()

describe('the embedded engine', () => recordStoreSuite(testDatabase))

const number = z.string().transform(Number)

test('the embedded engine carries out one statement for all settings, and one more, for each that it is sent', async () => {
  const db = await testDatabase()
  const carriedOut = async (): Promise<number> => {
    const sql = "SELECT value FROM system.events WHERE event = 'Query'"
    const [row] = await db.query({ name: 'carried-out', sql, row: z.object({ value: number }) })
    return row?.value ?? 0
  }
  const before = await carriedOut()
  expect(await carriedOut()).toBe(before + 2)
})

test('the settings of a statement count for it, and not for the next one', async () => {
  const db = await testDatabase()
  const sql = "SELECT getSetting('max_result_rows') AS rows, getSetting('insert_deduplicate') AS again"
  const asked = { name: 'settings', sql, row: z.object({ rows: z.coerce.number(), again: z.boolean() }) }
  expect(await db.query({ ...asked, maxRows: 7 })).toEqual([{ rows: 7, again: false }])
  expect(await db.query(asked)).toEqual([{ rows: 0, again: false }])
})
