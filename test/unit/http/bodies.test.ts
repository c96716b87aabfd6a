import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { guardBodies } from '../../../src/http/bodies.ts'
import { createBodyRoom } from '../../../src/http/body-room.ts'
import { NO_BOUNDS } from '../../support/no-bounds.ts'
import { until } from '../../support/until.ts'

const MOST = LIMITS.smallWorkBytes.value

test('questions in URLs are worked on as other small ones are: a share of each user, until they are answered', async () => {
  const fastify = Fastify()
  fastify.decorateRequest('principal', null)
  fastify.addHook('onRequest', async (request) => {
    request.principal = { userId: String(request.headers.user), roles: ['viewer'], access: [] }
  })
  let overloads = 0
  guardBodies(fastify as never, {
    room: createBodyRoom(),
    takesBody: () => true,
    addressOf: () => 'here',
    budget: NO_BOUNDS.bytes,
    onOverload: () => overloads++,
  })
  const waiting: (() => void)[] = []
  fastify.get('/graphql', async () => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return 'answered'
  })
  const ask = async (user: string) => {
    const { statusCode, headers } = await fastify.inject({
      url: `/graphql?query=${'x'.repeat(8000)}`,
      headers: { user },
    })
    return [statusCode, headers['retry-after']]
  }
  const most = Math.floor(MOST / '/graphql?query='.padEnd(8015, 'x').length)

  const first = Array.from({ length: most }, () => ask('ann'))
  await until('all to be worked on', () => waiting.length === most || undefined)
  expect(await ask('ann')).toEqual([503, '1'])
  expect(overloads).toBe(1)
  const other = ask('bob')
  await until('another to be worked on', () => waiting.length === most + 1 || undefined)
  for (const answer of waiting.splice(0)) answer()
  expect(new Set((await Promise.all([...first, other])).map(String))).toEqual(new Set(['200,']))
  const again = ask('ann')
  await until('the next', () => waiting.length === 1 || undefined)
  waiting[0]?.()
  expect(await again).toEqual([200, undefined])
})
