// The guard trips by itself where the database fails too often, or is too slow, for long enough.
import { describe, expect, test } from 'vitest'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const scene = useScenes()

const QUESTION = 'query ($filter: TokenFilter) { tokenMetrics(filter: $filter) { provenance { source reason } } }'
let asked = 0
/** A question that nobody has asked before: no cache answers it. */
const ask = async ({ server }: Scene, user = 'ann'): Promise<string> => {
  const filter = { from: new Date(Date.UTC(2020, 0, 1) + asked++).toISOString() }
  const { data, errors } = await server.ask(QUESTION, { filter }, ['viewer'], { user })
  if (errors !== undefined) throw new Error(errors[0]?.message)
  const { source, reason } = data.tokenMetrics.provenance
  return `${source} ${reason}`
}
const guardOf = async ({ server }: Scene) =>
  (await server.ask('{ guard { tripped by reason } }', {}, ['operator'])).data.guard

/** By way of a proxy, everything published, and somebody answered from there. */
async function migrated(settings: Record<string, string>) {
  let proxy: TcpProxy | undefined
  const wayTo = async (url: string): Promise<string> => {
    proxy = await startProxy(url)
    return proxy.url
  }
  const one = await scene({ settings, wayTo })
  await one.migrate()
  await until('ClickHouse', async () => ((await ask(one)) === 'CLICKHOUSE ROLLOUT' ? true : undefined))
  return { proxy: proxy as unknown as TcpProxy, one }
}
const askUntilTripped = (one: Scene) =>
  until('the guard to trip', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => ask(one, `user${i}`)))
    const guard = await guardOf(one)
    return guard.tripped ? guard : undefined
  })

describe('a database', () => {
  test('that is too slow for long enough trips the guard, and nobody waits for it any more', async () => {
    const { proxy, one } = await migrated({ GUARD_LATENCY_MS: '200', GUARD_TRIP_AFTER_SECONDS: '2' })
    proxy.delay(250)
    expect(await askUntilTripped(one)).toEqual({
      tripped: true,
      by: 'the guard itself',
      reason: expect.stringMatching(/^\d+\.\d % of the answers of the database take longer than 200 ms$/),
    })
    expect(await ask(one)).toBe('LEGACY GUARD_TRIPPED')
    proxy.delay(0)
  })

  test('whose statements fail for long enough trips the guard, and costs nobody an answer', async () => {
    const { one } = await migrated({ GUARD_TRIP_AFTER_SECONDS: '2' })
    await one.harm('RENAME TABLE winners_summed TO away')
    expect(await askUntilTripped(one)).toEqual({
      tripped: true,
      by: 'the guard itself',
      reason: expect.stringMatching(/^\d+\.\d % of questions to the database fail$/),
    })
    expect(await ask(one)).toBe('LEGACY GUARD_TRIPPED')
  })
})
