import { graphql } from 'graphql'
import { describe, expect, test } from 'vitest'
import type { Principal } from '../../../src/access/roles.ts'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { TokenAnswer } from '../../../src/domain/token-query.ts'
import type { RequestContext } from '../../../src/graphql/context.ts'
import { createSchema } from '../../../src/graphql/schema.ts'
import type { SourceRequest, TokenSource } from '../../../src/ports/token-source.ts'
import { createAnswers } from '../../../src/reading/answers.ts'
import type { CachedSource } from '../../../src/reading/cached-source.ts'
import { createDerived } from '../../../src/reading/derived.ts'

/** A source that notes what it was asked: the question here is how often, not what it answers. */
function notingSource(answerOne: () => Partial<TokenAnswer> = () => ({})) {
  const requests: SourceRequest[] = []
  const source: TokenSource = {
    source: 'LEGACY',
    world: 'here',
    position: () => undefined,
    health: () => ({ state: 'UP', detail: '' }),
    async answer(request) {
      requests.push(request)
      return {
        answers: request.queries.map(({ groupings }) => ({
          whole: [],
          sessionCount: 0,
          firstAt: undefined,
          lastAt: undefined,
          ...Object.fromEntries(groupings.map((g) => [`by${g[0]?.toUpperCase()}${g.slice(1)}`, []])),
          ...answerOne(),
        })),
        quality: request.quality
          ? { duplicateLines: 0n, refused: [], whole: [], archivedTokens: 0n, unshippedBytes: 0n }
          : undefined,
        asOf: 5,
        watermark: 'w',
        sample: false,
      }
    },
  }
  return { source, requests }
}

const viewer: Principal = { userId: 'ann', roles: ['viewer'] }
const schema = await createSchema()

async function run(source: TokenSource, query: string) {
  const cached: CachedSource = {
    answer: async (request) => ({ answer: await source.answer(request), cache: 'BYPASS' }),
  }
  const context = {
    requestId: 'r',
    principal: viewer,
    viewer: {
      mayChoose: true,
      preference: 'AUTO',
      decision: { source: 'LEGACY', reason: 'BRIDGE_DISABLED', cohort: null },
    },
    answers: createAnswers({
      sourceOf: () => cached,
      decide: () => ({ source: 'LEGACY', reason: 'BRIDGE_DISABLED', cohort: null }),
      migrationProgress: 0,
      losses: { inFiles: 0, everywhere: 0 },
      onFallback() {},
    }),
    derived: createDerived(1 << 20),
    priceOf: () => undefined,
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
        quality: true,
        queries: [
          { filter: { sessionIds: ['s1'] }, groupings: ['session'], countSessions: false },
          { filter: {}, groupings: ['project', 'user', 'slot', 'session'], countSessions: true },
          { filter: { projects: ['b', 'a'] }, groupings: ['user'], countSessions: false },
        ],
      },
    ])
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
