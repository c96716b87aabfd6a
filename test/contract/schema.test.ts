import { readFileSync } from 'node:fs'
import {
  buildSchema,
  DangerousChangeType,
  findBreakingChanges,
  findDangerousChanges,
  isEnumType,
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

  test('says what each enum is, and what each of its values means', () => {
    const emitted = buildSchema(readFileSync('schema/schema.graphql', 'utf8'))
    const enums = Object.values(emitted.getTypeMap()).filter(isEnumType)
    const missing = enums
      .flatMap((type) => [type, ...type.getValues()].map((one) => [type.name, one.name, one.description]))
      .filter(([, , description]) => !description)
    expect(enums.length).toBeGreaterThan(10)
    expect(missing).toEqual([])
  })
})
