import { readFileSync } from 'node:fs'
import {
  buildSchema,
  DangerousChangeType,
  findBreakingChanges,
  findDangerousChanges,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { createSchema } from '../../src/graphql/schema.ts'

describe('the schema', () => {
  test('has everything in contract.graphql, under the same names, with the same types', async () => {
    const contract = buildSchema(`scalar BigInt scalar DateTime ${readFileSync('schema/contract.graphql', 'utf8')}`)
    const emitted = buildSchema(readFileSync('schema/schema.graphql', 'utf8'))
    expect(findBreakingChanges(contract, emitted)).toEqual([])
    // optional members of inputs may be added: nobody has to send them
    const dangerous = findDangerousChanges(contract, emitted)
    expect(dangerous.filter(({ type }) => type !== DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED)).toEqual([])
    expect(printSchema(lexicographicSortSchema(await createSchema()))).toBe(
      printSchema(lexicographicSortSchema(emitted)),
    )
  })
})
