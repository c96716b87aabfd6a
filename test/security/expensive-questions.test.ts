// Questions of a few kilobytes that held the server for minutes, or killed it, each by an ordinary viewer.
import { createClient } from 'graphql-ws'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import {
  ALIASES_TIMES_FRAGMENT,
  CONFLICTS,
  CYCLE,
  DEEP,
  DOUBLING,
  EQUAL_FIELDS,
  NESTED_FRAGMENTS,
  ZONES,
} from '../support/hostile-documents.ts'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const TOO_EXPENSIVE = { code: 'QUERY_TOO_EXPENSIVE', retryable: false }

function someTranscripts(): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'shop/a.jsonl': [line()] })
  return folder
}

describe('a question that costs too much', () => {
  test('is refused before it is executed, and says by how much', async () => {
    const server = await startServer(someTranscripts())
    const zones = Intl.supportedValuesOf('timeZone')
    for (const question of [
      ALIASES_TIMES_FRAGMENT(),
      ALIASES_TIMES_FRAGMENT(0.04),
      NESTED_FRAGMENTS(60),
      NESTED_FRAGMENTS(150),
      NESTED_FRAGMENTS(5),
      DOUBLING(60),
      DEEP(500),
      EQUAL_FIELDS(101),
      EQUAL_FIELDS(900),
      CONFLICTS(500),
      // each mistake was looked up by its line: five such questions took 15 seconds
      CONFLICTS(2, '\n'.repeat(500_000)),
      ZONES(zones.slice(0, 300)),
      ZONES(zones.slice(0, 21), 'MONTH'),
    ]) {
      const { status, data, errors } = await server.ask(question)
      expect([status, data], question.slice(0, 100)).toEqual([400, undefined])
      expect(errors?.map(({ extensions }) => extensions)).toEqual([TOO_EXPENSIVE])
      expect(errors?.[0]?.message).toMatch(/^one operation may ask for \d+ .*, not (\d+|far more)$/)
    }
    const metrics = await fetch(`${server.url}/metrics`, {
      headers: { authorization: `Bearer ${await server.token(['operator'])}` },
    })
    expect(await metrics.text()).toMatch(/code="QUERY_TOO_EXPENSIVE"\} 13/)
    expect(server.log()).not.toContain('a resolver failed')
  })

  test('by a filter that many aliases share is refused, and a smaller one is read once and answered', async () => {
    const server = await startServer(someTranscripts())
    const question = `query($filter: TokenFilter) { ${Array.from({ length: 100 }, (_, i) => `a${i}: tokenMetrics(filter: $filter) { recordCount }`).join(' ')} }`
    const names = (length: number) => Array.from({ length: 1000 }, (_, i) => `${i} `.padEnd(length, 'x'))
    const large = await server.ask(question, { filter: { projects: names(400), models: names(400) } })
    expect(large.errors?.map(({ extensions }) => extensions)).toEqual([TOO_EXPENSIVE])
    const small = await server.ask(question, { filter: { projects: [...names(100), 'shop'].slice(1) } })
    expect(small.errors).toBeUndefined()
    expect(small.data.a99).toEqual({ recordCount: '1' })
  })

  test('by what its lists turn out to have is refused while it is executed', async () => {
    const folder = makeFolder()
    const models = Array.from({ length: 3000 }, (_, i) => line({ id: `msg_model${i}`, model: `model ${i}` }))
    writeTranscripts(folder, { 'shop/a.jsonl': models })
    const server = await startServer(folder)
    const all = 'byModel { model tokens { input output cacheCreation cacheRead total } recordCount costUsd }'
    const few = await server.ask(`{ tokenMetrics { ${all} } }`)
    expect(few.errors).toBeUndefined()
    expect(few.data.tokenMetrics.byModel).toHaveLength(3000)
    const many = await server.ask(
      `{ ${Array.from({ length: 16 }, (_, i) => `a${i}: tokenMetrics { ${all} }`).join(' ')} }`,
    )
    expect(many.errors?.map(({ extensions }) => extensions)).toContainEqual(TOO_EXPENSIVE)
    expect(many.data).toBeNull()
  })

  test('over WebSocket is refused, too', async () => {
    const server = await startServer(someTranscripts())
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${await server.token(['viewer'])}` },
      retryAttempts: 0,
    })
    const refused = async (query: string): Promise<unknown> => {
      try {
        for await (const _ of client.iterate({ query })) throw new Error('it was answered')
        return undefined
      } catch (errors) {
        return (errors as { extensions: unknown }[])[0]?.extensions
      }
    }
    const pages = Array.from({ length: 150 }, (_, i) => `a${i}: sessions(first: 500) { edges { cursor } }`).join(' ')
    expect(await refused(`subscription { tokenMetricsUpdated { ${pages} } }`)).toEqual(TOO_EXPENSIVE)
    expect(await refused(DOUBLING(60).replace('query { tokenMetrics', 'subscription { tokenMetricsUpdated'))).toEqual(
      TOO_EXPENSIVE,
    )
    await client.dispose()
  })
})

describe('a question that is only wrong', () => {
  test('in many places is told the first mistakes and that there are more, in words of ours', async () => {
    const server = await startServer(someTranscripts())
    for (const question of [CONFLICTS(100), `{ ${Array.from({ length: 900 }, (_, i) => `nothing${i}`).join(' ')} }`]) {
      const { status, errors } = await server.ask(question)
      expect([status, errors?.length]).toEqual([400, 6])
      expect(errors?.at(-1)?.message).toBe('there are more mistakes: only the first 5 are told')
      expect(errors?.map(({ message }) => message).join()).not.toContain('aborted')
      expect(new Set(errors?.map(({ extensions }) => extensions.code))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']))
    }
  })

  test('is told what is wrong with it, as before', async () => {
    const server = await startServer(someTranscripts())
    const codes = async (question: string) =>
      (await server.ask(question)).errors?.map(({ extensions }) => extensions.code)
    expect(await codes(CYCLE)).toContain('GRAPHQL_VALIDATION_FAILED')
    expect(await codes('{ nothing }')).toEqual(['GRAPHQL_VALIDATION_FAILED'])
    expect(await codes('{ tokenMetrics { sessions(first: 501) { totalCount } } }')).toEqual(['INVALID_ARGUMENT'])
    expect(await codes('{ tokenMetrics { sessions(first: 2000000000) { edges { cursor } } } }')).toEqual([
      'INVALID_ARGUMENT',
    ])
  })
})
