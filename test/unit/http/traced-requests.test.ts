import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import type { Principal } from '../../../src/access/roles.ts'
import type { AnsweredRequest } from '../../../src/http/logged-requests.ts'
import { createTracedRequests } from '../../../src/http/traced-requests.ts'
import type { Beginning, Span, SpanFacts, Tracer } from '../../../src/ports/spans.ts'

const PLACE = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }

/** What a tracer was told. */
function scene(isRecorded = true) {
  const begun: (Beginning | undefined)[] = []
  const told: SpanFacts[] = []
  const ended: (string | undefined)[] = []
  const span: Span = {
    place: PLACE,
    child: () => span,
    tell: (facts) => void told.push(facts),
    end: (error) => void ended.push(error),
    isOver: () => ended.length > 0,
  }
  const tracer: Tracer = {
    begin(_name, beginning) {
      begun.push(beginning)
      return isRecorded ? span : undefined
    },
  }
  return { begun, told, ended, traced: createTracedRequests(tracer) }
}

const answered = (more: Partial<AnsweredRequest> = {}): AnsweredRequest => ({
  raw: Object.assign(new EventEmitter(), { headers: { traceparent: 'given' } }) as unknown as IncomingMessage,
  id: 'id',
  method: 'POST',
  route: '/graphql',
  path: '/graphql',
  status: 200,
  ms: 12,
  principal: { userId: 'ann' },
  notes: null,
  refusedWith: null,
  ...more,
})

test('a request that is told of afterwards began when it came, and names its trace', () => {
  const { begun, told, ended, traced } = scene()
  const noted: AnsweredRequest[] = []
  const notes = { operation: 'query Shop', answers: [], errors: ['RATE_LIMITED'] }
  traced.noting((one) => void noted.push(one))(answered({ notes }))
  expect(begun).toEqual([{ traceparent: 'given', sinceMs: 12 }])
  expect(told).toEqual([
    { method: 'POST', route: '/graphql', status: 200, operation: 'query', errors: ['RATE_LIMITED'] },
  ])
  expect(ended).toEqual(['RATE_LIMITED'])
  expect(noted[0]?.trace).toBe(PLACE.traceId)
})

test('nobody who is not known has a trace, and nothing but questions and mutations has one', () => {
  const { begun, traced } = scene()
  const note = traced.noting(() => undefined)
  note(answered({ principal: null, status: 401 }))
  note(answered({ route: '/metrics' }))
  expect(begun).toEqual([])
})

test('whether a request is recorded is decided once', async () => {
  const { begun, traced } = scene(false)
  const fastify = Fastify()
  let raw: IncomingMessage | undefined
  fastify.decorateRequest('principal', null)
  fastify.addHook('onRequest', async (request) => {
    raw = request.raw
    request.principal = { userId: 'ann' } as Principal
  })
  traced.trace(fastify)
  fastify.post('/graphql', async () => 'answered')
  expect((await fastify.inject({ method: 'POST', url: '/graphql' })).body).toBe('answered')
  traced.noting(() => undefined)(answered({ raw: raw as IncomingMessage }))
  expect(begun).toHaveLength(1)
})
