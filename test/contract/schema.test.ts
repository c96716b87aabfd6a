import { readFileSync } from 'node:fs'
import { buildSchema, findBreakingChanges, findDangerousChanges, lexicographicSortSchema, printSchema } from 'graphql'
import { describe, expect, test } from 'vitest'
import { createSchema } from '../../src/graphql/schema.ts'

describe('the schema', () => {
  test('has everything in contract.graphql, under the same names, with the same types', async () => {
    const contract = buildSchema(`scalar BigInt scalar DateTime ${readFileSync('schema/contract.graphql', 'utf8')}`)
    const emitted = buildSchema(readFileSync('schema/schema.graphql', 'utf8'))
    expect(findBreakingChanges(contract, emitted)).toEqual([])
    expect(findDangerousChanges(contract, emitted)).toEqual([])
    expect(printSchema(lexicographicSortSchema(await createSchema()))).toBe(
      printSchema(lexicographicSortSchema(emitted)),
    )
  })
})
