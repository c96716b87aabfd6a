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
    // optional members of inputs and optional arguments may be added: nobody has to send them
    const added = [DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED, DangerousChangeType.OPTIONAL_ARG_ADDED]
    const dangerous = findDangerousChanges(contract, emitted)
    expect(dangerous.filter(({ type }) => !added.includes(type))).toEqual([])
    expect(printSchema(lexicographicSortSchema(await createSchema()))).toBe(
      printSchema(lexicographicSortSchema(emitted)),
    )
  })
})
