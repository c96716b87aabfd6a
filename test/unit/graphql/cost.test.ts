import { buildSchema, type FragmentDefinitionNode, getOperationAST, parse, specifiedRules, validate } from 'graphql'
import { describe, expect, test, vi } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import type { RequestContext } from '../../../src/graphql/context.ts'
import { meterLists } from '../../../src/graphql/cost.ts'
import { estimate } from '../../../src/graphql/cost-estimate.ts'
import { checkCost } from '../../../src/graphql/cost-plugin.ts'
import { checkShape, equalFieldsOf, shapeOf } from '../../../src/graphql/cost-shape.ts'
import { createSchema } from '../../../src/graphql/schema.ts'
import {
  ALIASES_TIMES_FRAGMENT,
  CYCLE,
  DEEP,
  DOUBLING,
  EQUAL_FIELDS,
  NESTED_FRAGMENTS,
  ZONES,
} from '../../support/hostile-documents.ts'
import { NO_BOUNDS } from '../../support/no-bounds.ts'

const schema = await createSchema()

function estimateOf(text: string, variables: Record<string, unknown> = {}) {
  const document = parse(text)
  expect(validate(schema, document, specifiedRules)).toEqual([])
  const fragments = new Map(
    document.definitions
      .filter((definition): definition is FragmentDefinitionNode => definition.kind === 'FragmentDefinition')
      .map((fragment) => [fragment.name.value, fragment]),
  )
  const operation = getOperationAST(document)
  if (!operation) throw new Error('no operation')
  return estimate({ schema, operation, fragments, variables })
}
const costOf = (text: string, variables?: Record<string, unknown>) => estimateOf(text, variables).cost

/** What a whole server does with it, up to its execution. */
const verdict = (text: string, variables: Record<string, unknown> = {}): string => {
  try {
    const context = { budgets: NO_BOUNDS, principal: { userId: 'ann' } } as unknown as RequestContext
    const document = parse(text)
    checkShape(document)
    checkCost({ schema, document, variables, context })
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

describe('the shape of a document', () => {
  test('counts fields, aliases and levels after fragments, each as often as it is spread', () => {
    expect(
      shapeOf(
        parse(`{ a { ...F } b: a { ...F ... on X { c } } }
        fragment F on X { x: d { e } ...G } fragment G on X { g { h { i } } }`),
      ),
    ).toEqual({ fields: 13, aliases: 3, depth: 4, variables: 0 })
  })

  test('of a fragment that spreads itself is finite', () => {
    expect(shapeOf(parse(CYCLE)).fields).toBeLessThan(10)
    expect(equalFieldsOf(parse(CYCLE))).toBeLessThan(10)
    const all = Array.from({ length: 12 }, (_, i) => i)
    const each = all.map((i) => `fragment F${i} on X { ${all.map((other) => `a${other} { ...F${other} }`).join(' ')} }`)
    expect(() => equalFieldsOf(parse(`{ ...F0 } ${each.join(' ')}`))).toThrow('2000 fields')
  })

  test('has equal fields where their selections become one, by fragments and by equal fields above them', () => {
    const equal = (text: string) => equalFieldsOf(parse(text))
    expect(equal('{ a { x } b { x } c { x } }')).toBe(1)
    expect(equal('{ a { x } a { x y } ... on Query { a { x: y } } b: a { x } }')).toBe(3)
    expect(equal('{ a { x x } ...F ...F } fragment F on Query { a { x } }')).toBe(3)
  })

  test.each([
    ['400 aliases × a fragment of 100 pages', ALIASES_TIMES_FRAGMENT(), '20 levels|aliases|fields'],
    ['in miniature', ALIASES_TIMES_FRAGMENT(0.5), 'aliases|fields'],
    ['5 × 60 × 60 fields', NESTED_FRAGMENTS(60), 'fields'],
    ['5 × 150 × 150 fields', NESTED_FRAGMENTS(150), 'fields'],
    ['2^60 fields', DOUBLING(60), 'fields after its fragments are spread, not far more'],
    ['2^1000 fields', DOUBLING(1000), 'fields'],
    ['a thousand levels', DEEP(1000), 'levels'],
    ['101 equal fields', EQUAL_FIELDS(101), '100 fields of one name in one place, not 101'],
    ['6,000 lines', `{ a ${'\n'.repeat(5999)} }`, '5000 lines of its document, not 6000'],
  ])('refuses %s before it is validated', (_name, text, why) => {
    expect(() => checkShape(parse(text))).toThrow(new RegExp(`one operation may ask for .*(${why})`))
  })
})

describe('the cost of an operation', () => {
  test('is its fields, times the items of the lists they are in', () => {
    expect(costOf('{ tokenMetrics { recordCount } }')).toBe(2)
    expect(costOf('{ tokenMetrics { sessions(first: 30) { edges { node { id } } } } }')).toBe(1 + 1 + 1 + 30 * 3)
    expect(costOf('query($n: Int!) { tokenMetrics { sessions(first: $n) { edges { cursor } } } }', { n: 7 })).toBe(17)
    expect(costOf('{ tokenMetrics { ...F ...F } } fragment F on TokenMetrics { recordCount }')).toBe(3)
  })

  test('leaves out what is skipped', () => {
    const text = 'query($on: Boolean!) { tokenMetrics { sessions(first: 500) @include(if: $on) { edges { cursor } } } }'
    expect(costOf(text, { on: false })).toBe(1)
    expect(costOf(text, { on: true })).toBe(1003)
  })

  test('follows the range of the filter, and is never more than a usual history', () => {
    const ask = (filter: string, granularity: string) =>
      costOf(`{ tokenMetrics(filter: ${filter}) { timeSeries(granularity: ${granularity}) { label } } }`)
    expect(ask('{ from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }', 'HOUR')).toBe(2 + 25 * 2)
    expect(ask('{ from: "2026-01-01T00:00:00Z", to: "2026-04-01T00:00:00Z" }', 'DAY')).toBe(2 + 91 * 2)
    expect(ask('{}', 'HOUR')).toBe(2 + 8784 * 2)
    expect(ask('{ from: "1970-01-01T00:00:00Z", to: "2261-01-01T00:00:00Z" }', 'HOUR')).toBe(2 + 8784 * 2)
  })

  test('counts filters, the bytes of their names, and series once each', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `project ${i}`)
    const bytes = names.join('').length
    const text = `query($f: TokenFilter, $g: TokenFilter) {
      ${Array.from({ length: 100 }, (_, i) => `a${i}: tokenMetrics(filter: $f) { timeSeries(granularity: DAY, timeZone: "${i % 2 ? 'Europe/Berlin' : 'eUROPE/bERLIN'}") { label } }`).join(' ')}
      other: tokenMetrics(filter: $g) { timeSeries(granularity: DAY) { label } } }`
    const f = { projects: names }
    expect(estimateOf(text, { f, g: { projects: names.toReversed() } })).toMatchObject({
      filters: 1,
      filterBytes: bytes,
      series: 2,
    })
    expect(estimateOf(text, { f, g: { users: ['ann'] } })).toMatchObject({ filters: 2, filterBytes: bytes + 3 })
    expect(estimateOf('{ a: session(id: "a") { id } b: session(id: "b") { id } }').filters).toBe(2)
  })

  test('measures the names that a hundred aliases share once', () => {
    const measured = vi.spyOn(Buffer, 'byteLength')
    const projects = Array.from({ length: 1000 }, (_, i) => `project ${i}`)
    const text = `query($f: TokenFilter) { ${Array.from({ length: 100 }, (_, i) => `a${i}: tokenMetrics(filter: $f) { recordCount }`).join(' ')} }`
    estimateOf(text, { f: { projects } })
    expect(measured.mock.calls.length).toBeLessThan(2000)
    measured.mockRestore()
  })

  test('does not read a batch of records, on which it does not depend', () => {
    const read = vi.fn()
    const records = new Proxy([], { get: read })
    const text = `mutation ($records: [TokenRecordInput!]!) {
      ingestTokenRecords(input: { records: $records }) { accepted rejected { index field } }
    }`
    expect(costOf(text, { records })).toBeGreaterThan(1000)
    expect(read).not.toHaveBeenCalled()
  })

  test('counts the bytes of a name, which may be more than its letters', () => {
    const names = '{ tokenMetrics(filter: { projects: ["café"], users: ["日本"] }) { recordCount } }'
    expect(estimateOf(names).filterBytes).toBe(5 + 6)
  })

  test('of a breakdown follows from how many combinations it tells, and in how many buckets', () => {
    const ask = (args: string, filter = '{}') =>
      costOf(`{ tokenMetrics(filter: ${filter}) { breakdown(${args}) { values { value } label } } }`)
    // of each row: itself, label, values, and of each value itself and its text
    expect(ask('by: [MODEL], first: 9')).toBe(2 + 10 * 5)
    expect(ask('by: [MODEL, USER], first: 9')).toBe(2 + 10 * 7)
    const week = '{ from: "2026-01-01T00:00:00Z", to: "2026-01-07T00:00:00Z" }'
    expect(ask('by: [MODEL], first: 8, granularity: DAY', week)).toBe(2 + 7 * 2 * 5)
    expect(ask('by: [MODEL], first: 80, granularity: DAY', week)).toBe(2 + 7 * 11 * 5)
  })

  test('of a stacked chart of the whole history is within the limit, and of a thousand stacks of its hours is not', () => {
    const chart = (args: string) =>
      verdict(`{ tokenMetrics { breakdown(${args}) { values { dimension value } isOther start label recordCount costUsd
        tokens { input output cacheCreation cacheRead total } } } }`)
    expect(chart('by: [MODEL, PROJECT, USER], granularity: DAY')).toBe('taken')
    expect(chart('by: [SESSION], first: 1000')).toBe('taken')
    expect(chart('by: [MODEL], first: 1000, granularity: HOUR')).toMatch(/values in its answer, not \d+: series are/)
    const by = (n: number) => `a${n}: breakdown(by: [MODEL], first: ${n}) { isOther }`
    const many = Array.from({ length: 21 }, (_, i) => by(i + 1))
    expect(verdict(`{ tokenMetrics { ${many.join(' ')} } }`)).toBe(
      'one operation may ask for 20 different series, not 21',
    )
    expect(
      verdict(`{ tokenMetrics { ${many.slice(1).join(' ')} again: breakdown(by: MODEL, first: 2) { isOther } } }`),
    ).toBe('taken')
  })

  test('of arguments that cannot be read is left to the execution, which tells what is wrong', () => {
    expect(costOf('query($n: Int!) { tokenMetrics { sessions(first: $n) { edges { cursor } } } }')).toBe(3 + 20 * 2)
    expect(costOf('{ tokenMetrics(filter: { from: "yesterday" }) { timeSeries(granularity: DAY) { label } } }')).toBe(
      2 + 3 * 366 * 2,
    )
  })

  test('of every question of a dashboard is within the limit', () => {
    const usage = 'tokens { input output cacheCreation cacheRead total } recordCount costUsd'
    expect(
      verdict(`{ tokenMetrics { sessions(first: 500) { edges { cursor node { id project user host startedAt lastActivityAt
        ${usage} byModel { model ${usage} } } } pageInfo { endCursor hasNextPage } totalCount } } }`),
    ).toBe('taken')
    expect(
      verdict(`{ tokenMetrics(filter: { from: "2025-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" }) {
        timeSeries(granularity: HOUR, timeZone: "Europe/Berlin") { start label ${usage} } } }`),
    ).toBe('taken')
    expect(
      verdict(`query { tokenMetrics(filter: { from: "2026-01-01T00:00:00Z", to: "2026-04-01T00:00:00Z" }) { ${usage} sessionCount
        timeSeries(granularity: DAY) { label ${usage} } byModel { model ${usage} } byProject { project ${usage} }
        byUser { user ${usage} } byHost { host ${usage} } sessions(first: 20) { edges { node { id ${usage} } } }
        quality { duplicateLines refused { reason count } } provenance { source reason asOf } } }`),
    ).toBe('taken')
  })

  test('of the hostile documents is not', () => {
    const zones = Intl.supportedValuesOf('timeZone').slice(0, 300)
    expect(verdict(ZONES(zones.slice(0, 150)))).toBe('one operation may ask for 20 different series, not 150')
    expect(verdict(ZONES(zones))).toBe('one operation may ask for 200 aliases, not 300')
    expect(verdict(NESTED_FRAGMENTS(5))).toMatch(/one operation may ask for 100000 values in its answer, not \d{6,}/)
    expect(verdict(ALIASES_TIMES_FRAGMENT(0.04))).toMatch(/values in its answer/)
    const half = 'x'.repeat(LIMITS.filterBytes.value / 2 + 1)
    expect(verdict(`{ tokenMetrics(filter: { projects: ["${half}", "${half}"] }) { recordCount } }`)).toBe(
      `one operation may ask for 262144 bytes of names in filters, not 262146`,
    )
  })

  test('that is mostly long series says how they become shorter', () => {
    const hours = (filter: string) =>
      verdict(
        `{ ${['a', 'b', 'c'].map((name) => `${name}: tokenMetrics(filter: ${filter}) { timeSeries(granularity: HOUR) { label tokens { input output total } } }`).join(' ')} }`,
      )
    expect(hours('{}')).toMatch(
      /^one operation may ask for 100000 values in its answer, not \d+: series are shorter with `from` in their filter, or a coarser granularity$/,
    )
    expect(hours('{ from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z" }')).toBe('taken')
  })

  test('of the schema itself is within the limit', async () => {
    const { getIntrospectionQuery } = await import('graphql')
    expect(verdict(getIntrospectionQuery())).toBe('taken')
  })
})

test('a list without a declared size does not start', () => {
  expect(() => meterLists(buildSchema('type Query { a: [Thing!]! } type Thing { b: [String] c: Int }'))).toThrow(
    'no size is declared for the lists Query.a, Thing.b',
  )
})
