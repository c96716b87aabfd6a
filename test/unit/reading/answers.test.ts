import { graphql } from 'graphql'
import { describe, expect, test } from 'vitest'
import type { Principal } from '../../../src/access/roles.ts'
import { groupingKey } from '../../../src/domain/dimensions.ts'
import { BridgeError } from '../../../src/domain/errors.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { TokenAnswer } from '../../../src/domain/token-query.ts'
import { uncut } from '../../../src/domain/uncut.ts'
import type { RequestContext } from '../../../src/graphql/context.ts'
import { createSchema } from '../../../src/graphql/schema.ts'
import type { PublishedRequest } from '../../../src/ports/record-store.ts'
import type { SourceRequest, TokenSource } from '../../../src/ports/token-source.ts'
import { type AnswersOptions, createAnswers } from '../../../src/reading/answers.ts'
import type { CachedSource } from '../../../src/reading/cached-source.ts'
import { createDerived } from '../../../src/reading/derived.ts'
import { requestKey } from '../../../src/reading/question-key.ts'
import { everythingOf } from '../../support/every-field.ts'

/** A source that notes what it was asked: the question here is how often, not what it answers. */
function notingSource(answerOne: () => Partial<TokenAnswer> = () => ({})) {
  const requests: SourceRequest[] = []
  const source: TokenSource = {
    source: 'LEGACY',
    world: 'here',
    counted: () => undefined,
    health: () => ({ state: 'UP', detail: '' }),
    async answer(request) {
      requests.push(request)
      return {
        answers: request.queries.map(uncut).map(({ groupings }) => ({
          whole: [],
          sessionCount: 0,
          firstAt: undefined,
          lastAt: undefined,
          groups: Object.fromEntries(groupings.map((grouping) => [groupingKey(grouping), []])),
          sessions: [],
          ...answerOne(),
        })),
        quality: request.quality
          ? {
              duplicateLines: 0n,
              conflictingCopies: 0n,
              refused: [],
              whole: [],
              archivedTokens: 0n,
              unshippedBytes: 0n,
            }
          : undefined,
        asOf: 5,
        watermark: 'w',
        sample: false,
      }
    },
  }
  return { source, requests }
}

const viewer: Principal = { userId: 'ann', roles: ['viewer'], access: EVERYTHING }
const schema = await createSchema()
const LEGACY = { source: 'LEGACY', reason: 'BRIDGE_DISABLED', cohort: null } as const
const LATER = { lacking: async () => ({ inFiles: false, everywhere: false }), onFallback() {} }

async function run(source: TokenSource, query: string, principal = viewer) {
  const cached: CachedSource = {
    state: () => undefined,
    answer: async (request) => ({ answer: await source.answer(request), cache: 'BYPASS' }),
  }
  const context = {
    requestId: 'r',
    notes: { answers: [], errors: [] },
    principal,
    isolation: { isIsolated: () => false },
    viewer: {
      mayChoose: true,
      preference: 'AUTO',
      decision: { source: 'LEGACY', reason: 'BRIDGE_DISABLED', cohort: null },
    },
    answers: createAnswers({
      access: principal.access,
      sourceOf: () => cached,
      decide: () => LEGACY,
      migrationProgress: 0,
      ...LATER,
    }),
    derived: createDerived(1 << 20),
    priceOf: () => undefined,
    missingRecords: async () => 0n,
    health: () => [],
  } as unknown as RequestContext
  return graphql({ schema, source: query, contextValue: context })
}

describe('one operation', () => {
  test('puts everything that it asks for to the source in one request, so that all is of one moment', async () => {
    const { source, requests } = notingSource()
    const { errors } = await run(
      source,
      `{
        tokenMetrics {
          tokens { total } recordCount sessionCount costUsd firstAt byModel { model } byProject { project } byUser { user }
          days: timeSeries(granularity: DAY) { label } hours: timeSeries(granularity: HOUR, timeZone: "Asia/Tokyo") { label }
          sessions { edges { node { id byModel { model } provenance { source } } } }
          more: sessions(orderBy: COST_ASC) { totalCount }
          quality { duplicateLines } provenance { source }
        }
        same: tokenMetrics(filter: { projects: ["b", "a"] }) { recordCount }
        again: tokenMetrics(filter: { projects: ["a", "b"] }) { byUser { user } }
        session(id: "s1") { id provenance { asOf } }
        viewer { userId }
      }`,
    )
    expect(errors).toBeUndefined()
    expect(requests).toEqual([
      {
        access: EVERYTHING,
        quality: true,
        queries: [
          { filter: { projects: ['b', 'a'] }, groupings: [['user']], sessions: false, countSessions: false },
          { filter: { sessionIds: ['s1'] }, groupings: [], sessions: true, countSessions: false },
          {
            filter: {},
            groupings: [
              [{ granularity: 'DAY', timeZone: 'UTC' }],
              [{ granularity: 'HOUR', timeZone: 'Asia/Tokyo' }],
              ['project'],
              ['user'],
            ],
            sessions: false,
            countSessions: true,
            sessionPages: [
              { order: 'COST_ASC', first: 20 },
              { order: 'LAST_ACTIVITY_DESC', first: 20 },
            ],
          },
        ],
      },
    ])
  })

  test('is the same question in whichever order its fields, its lists and their entries are', async () => {
    const { source, requests } = notingSource()
    for (const query of [
      `{ a: tokenMetrics(filter: { projects: ["b", "a"], users: ["u"] }) { byUser { user } byProject { project } }
         b: tokenMetrics { recordCount } }`,
      `{ x: tokenMetrics { recordCount }
         y: tokenMetrics(filter: { users: ["u", "u"], projects: ["a", "b"] }) { byProject { project } }
         z: tokenMetrics(filter: { users: ["u"], projects: ["a", "b", "a"] }) { byUser { user } } }`,
    ])
      expect((await run(source, query)).errors).toBeUndefined()
    const [first, second, ...others] = requests.map(requestKey)
    expect(second).toBe(first)
    expect(others).toEqual([])
  })

  test('asks with what the caller may see, whichever field it is of', async () => {
    const { source, requests } = notingSource()
    const access = [{ users: ['ann'] }]
    const roots = Object.values(schema.getQueryType()?.getFields() ?? {})
    let asking = 0
    for (const field of roots) {
      const before = requests.length
      const { errors } = await run(source, `{ ${everythingOf(field)} }`, { ...viewer, access })
      expect(errors?.[0]?.originalError ?? { code: 'FORBIDDEN' }).toMatchObject({ code: 'FORBIDDEN' })
      if (requests.length > before) asking++
    }
    expect(asking).toBeGreaterThanOrEqual(2)
    expect(requests.map((request) => request.access)).toEqual(requests.map(() => access))
  })

  test('cannot be made, nor a source be asked, without it: that does not compile', () => {
    // @ts-expect-error whose access is it?
    const request: SourceRequest = { queries: [], quality: false }
    // @ts-expect-error the same
    const published: PublishedRequest = { queries: [] }
    // @ts-expect-error the same
    const options: AnswersOptions = { sourceOf: () => undefined, decide: () => LEGACY, migrationProgress: 0, ...LATER }
    expect([request, published, options]).toHaveLength(3)
  })

  test('that asks for no metrics asks no source', async () => {
    const { source, requests } = notingSource()
    await run(source, '{ viewer { userId } health { state } }')
    expect(requests).toEqual([])
  })

  test('fails as a whole where the source fails, with the source’s error', async () => {
    const source: TokenSource = {
      ...notingSource().source,
      answer: () => Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', 'the first analysis is at 5 %')),
    }
    const { data, errors } = await run(source, '{ tokenMetrics { recordCount byUser { user } } }')
    expect(data).toBeNull()
    expect(errors?.[0]?.originalError).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
  })
})
