import { Redis } from 'ioredis'
import { startRedis } from '../support/redis-setup.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { type RunningUnleash, runUnleash } from '../support/unleash.ts'
import { until } from '../support/until.ts'
import { DEPENDENCIES, type Dependency, type Fault, type Trouble } from './faults.ts'
import { type MortalClickHouse, startMortalClickHouse } from './mortal-clickhouse.ts'
import { openWay, type Way } from './way.ts'

/** Real ones, each behind a way on which trouble is made. */
export interface Dependencies {
  clickhouse: MortalClickHouse
  /** How a bridge is pointed at them. */
  settings: Record<string, string>
  /** Begins a fault; what it gives ends it. `undefined`: it cannot be made on this machine. */
  begin(dependency: Dependency, fault: Fault): Promise<(() => Promise<void>) | undefined>
  close(): Promise<void>
}

/** Of ClickHouse's small disk. */
const DISK_MEGABYTES = 600

/** `only`: the others are not started. */
export async function startDependencies(folder: string, only = DEPENDENCIES): Promise<Dependencies> {
  const disk = mountSmallDisk(folder, DISK_MEGABYTES)
  const [clickhouse, redis, unleash] = await Promise.all([
    startMortalClickHouse(folder),
    only.includes('Redis') ? startMortalRedis() : undefined,
    only.includes('Unleash') ? runUnleash() : undefined,
  ])
  const ways: Record<Dependency, Way | undefined> = {
    ClickHouse: await openWay('ClickHouse', clickhouse.settings.CLICKHOUSE_URL as string),
    Redis: redis && (await openWay('Redis', redis.url)),
    Unleash: unleash && (await openWay('Unleash', unleash.apiUrl)),
  }
  const own: Record<Dependency, Partial<Record<Fault, () => Promise<(() => Promise<void>) | undefined>>>> = {
    ClickHouse: {
      'failed over': () => done(clickhouse.crashAfter(0)),
      async full() {
        disk?.fill(1)
        return disk && (async () => disk.free())
      },
    },
    Redis: {
      'failed over': () => done(redis?.failOver()),
      async full() {
        await redis?.configure('maxmemory', '1')
        return async () => redis?.configure('maxmemory', '0')
      },
    },
    Unleash: { 'failed over': () => done(unleash?.restart()) },
  }
  return {
    clickhouse,
    settings: settingsOf(clickhouse, unleash, ways),
    async begin(dependency, fault) {
      const begin = own[dependency][fault]
      if (begin !== undefined) return begin()
      ways[dependency]?.make(fault as Trouble)
      return async () => ways[dependency]?.make(undefined)
    },
    async close() {
      for (const way of Object.values(ways)) await way?.close()
      await Promise.all([clickhouse.stop(), unleash?.stop()])
      redis?.stop()
      disk?.remove()
    },
  }
}

/** It goes on while something is done, and is over with it. */
const done =
  async (doing: Promise<void> | undefined): Promise<() => Promise<void>> =>
  async () =>
    doing

function settingsOf(
  clickhouse: MortalClickHouse,
  unleash: RunningUnleash | undefined,
  ways: Record<Dependency, Way | undefined>,
): Record<string, string> {
  return {
    ...clickhouse.settings,
    CLICKHOUSE_URL: ways.ClickHouse?.url ?? '',
    ...(ways.Redis && { REDIS_URL: ways.Redis.url }),
    ...(unleash && ways.Unleash && { UNLEASH_URL: ways.Unleash.url, UNLEASH_API_TOKEN: unleash.apiToken }),
  }
}

async function startMortalRedis() {
  let running = await startRedis()
  const { url } = running
  const port = Number(new URL(url).port)
  return {
    url,
    async failOver(): Promise<void> {
      running.stop()
      // somebody else may have its port for a moment
      running = await until('the port of Redis', () => startRedis(port).catch(() => undefined))
    },
    async configure(name: string, value: string): Promise<void> {
      const client = new Redis(url)
      await client.config('SET', name, value)
      client.disconnect()
    },
    stop: () => running.stop(),
  }
}
