// Whoever can write to Redis has answers of the right form, which would be believed.
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../support/redis-setup.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const VIEW = '{ tokenMetrics { tokens { total } provenance { cache } } }'
const SECRETS = ['a first secret, which all instances have', 'a second secret, which is for later on']
const view = async (server: TestServer) => {
  const { tokens, provenance } = (await server.ask(VIEW)).data.tokenMetrics
  return [tokens.total, provenance.cache]
}

/** Servers over the same transcripts, and what they keep in a Redis of the test. */
async function scene() {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line()] })
  const { url, stop } = await startRedis()
  onTestFinished(stop)
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  const open = async (name: string, AUTH_JWT_SECRET: string, more: Record<string, string> = {}) => {
    const server = await startServer(folder, {
      DATA_DIR: `${folder}/${name}`,
      JOURNAL_KEY: Buffer.alloc(32, 7).toString('hex'),
      REDIS_URL: url,
      AUTH_JWT_SECRET,
      ...more,
    })
    await until('Redis', async () => {
      const { data } = await server.ask('{ health { components { name state } } }', {}, ['operator'])
      return (
        data.health.components.some(
          (one: object) => 'name' in one && one.name === 'redis' && 'state' in one && one.state === 'UP',
        ) || undefined
      )
    })
    return server
  }
  const keys = async () => (await redis.keys('token-bridge:*')).filter((key) => !key.startsWith('token-bridge:used:'))
  return { redis, open, keys }
}

describe('an answer that somebody has put into Redis', () => {
  test('counts where one of ours has, by any secret that counts, and only under its key', async () => {
    const { redis, open, keys } = await scene()
    const [first, second] = SECRETS as [string, string]
    const [total] = await view(await open('first', first))
    const key = await until('it to be kept', async () => (await keys())[0])
    const genuine = (await redis.get(key)) as string
    expect(await view(await open('second', `${second},${first}`))).toEqual([total, 'HIT'])
    const planted = genuine.replaceAll(`\\"${'0'}\\"`, '\\"1000000\\"')
    expect(planted).not.toBe(genuine)
    for (const [name, value] of [
      ['changed', planted],
      ['bare', planted.slice(43)],
      ['empty', ''],
      ['short', genuine.slice(0, 20)],
    ] as const) {
      await redis.set(key, value)
      expect([name, await view(await open(name, first))]).toEqual([name, [total, 'MISS']])
    }
    await redis.set(key, genuine)
    expect(await view(await open('another', second))).toEqual([total, 'MISS'])
    await redis.set(key, genuine)
    expect(await view(await open('again', first))).toEqual([total, 'HIT'])
  })

  test('and was one to another question is none to this one', async () => {
    const { redis, open, keys } = await scene()
    const [secret] = SECRETS as [string]
    const first = await open('first', secret)
    await view(first)
    const key = await until('it to be kept', async () => (await keys())[0])
    const nobody = '{ tokenMetrics(filter: { users: ["nobody"] }) { tokens { total } } }'
    expect((await first.ask(nobody)).data.tokenMetrics.tokens.total).toBe('0')
    const other = await until('the other', async () => (await keys()).find((one) => one !== key))
    await redis.set(key, (await redis.get(other)) as string)
    const [total, cache] = await view(await open('second', secret))
    expect([total === '0', cache]).toEqual([false, 'MISS'])
  })
})
