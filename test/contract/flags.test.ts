import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { POLICIES } from '../../src/policies/policies.ts'
import type { Flags } from '../../src/ports/flags.ts'
import { openFlagsFile } from '../../src/unleash/flags-file.ts'
import { connectUnleash } from '../../src/unleash/unleash-flags.ts'
import { flagsFile, forRole } from '../support/flags.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { makeFolder } from '../support/transcripts.ts'
import { type RunningUnleash, runUnleash } from '../support/unleash.ts'
import { until } from '../support/until.ts'

let unleash: RunningUnleash
beforeAll(async () => {
  unleash = await runUnleash()
}, 120_000)
afterAll(() => unleash.stop())

const POLL = POLICIES.unleash.poll

interface Adapter {
  flags: Flags
  toggle(name: string, enabled: boolean): Promise<void>
  setDatabaseWeight(weight: number): Promise<void>
}

async function connect(more: Partial<Parameters<typeof connectUnleash>[0]> = {}): Promise<Flags> {
  const flags = await connectUnleash({
    url: unleash.apiUrl,
    apiToken: unleash.apiToken,
    appName: 'token-bridge',
    folder: makeFolder(),
    bootstrapFile: undefined,
    defaultFile: 'flags/default.json',
    refreshIntervalMs: 100,
    policy: { ...POLL, breaker: { ...POLL.breaker, openMs: 200 } },
    onProblem() {},
    onSolved() {},
    onChange() {},
    ...more,
  })
  onTestFinished(() => flags.close())
  return flags
}

const ADAPTERS: Record<string, () => Promise<Adapter>> = {
  'a flags file': async () => {
    const path = flagsFile()
    const flags = await openFlagsFile(path, { onProblem() {}, onSolved() {} })
    onTestFinished(() => flags.close())
    const change = (run: (file: { features: Feature[] }) => void): void => {
      const file = JSON.parse(readFileSync(path, 'utf8'))
      run(file)
      writeFileSync(path, JSON.stringify(file))
    }
    return {
      flags,
      async toggle(name, enabled) {
        change(({ features }) => {
          for (const feature of features) if (feature.name === name) feature.enabled = enabled
        })
      },
      async setDatabaseWeight(weight) {
        change(({ features }) => {
          const variants = features.find(({ name }) => name === 'dashboard_ab_test')?.strategies[0]?.variants ?? []
          for (const variant of variants) variant.weight = variant.name === 'database' ? weight : 1000 - weight
        })
      },
    }
  },
  'an Unleash server': async () => ({ ...unleash, flags: await connect() }),
}
interface Feature {
  name: string
  enabled: boolean
  strategies: { variants: { name: string; weight: number }[] }[]
}

const USERS = Array.from({ length: 100_000 }, (_, i) => `user-${i}`)

describe.each(Object.entries(ADAPTERS))('flags from %s', (_name, open) => {
  test('are those of the design, and a toggle changes the next reading', async () => {
    const { flags, toggle } = await open()
    expect(flags.of('ann')).toEqual({
      databaseBridge: true,
      historicalData: true,
      realTimeUpdates: true,
      userSourceChoice: true,
      shadowReads: 0,
      cohort: null,
    })
    for (const [name, member] of [
      ['database_bridge_enabled', 'databaseBridge'],
      ['historical_data_enabled', 'historicalData'],
      ['real_time_updates_enabled', 'realTimeUpdates'],
      ['user_source_choice_enabled', 'userSourceChoice'],
    ] as const) {
      await toggle(name, false)
      await until(`${name} to be off`, () => flags.of('ann')[member] === false || undefined)
      await toggle(name, true)
      await until(`${name} to be on`, () => flags.of('ann')[member] === true || undefined)
    }
    await toggle('shadow_reads_enabled', true)
    await until('the sample rate', () => flags.of('ann').shadowReads === 0.01 || undefined)
    await toggle('shadow_reads_enabled', false)
    await until('no sample', () => flags.of('ann').shadowReads === 0 || undefined)
    expect(flags.health().state).toBe('UP')
  })

  test('say when each was seen to change, and how old that knowledge is', async () => {
    const began = Date.now()
    const { flags, toggle } = await open()
    const { version } = flags.known()
    expect(flags.known().flags.realTimeUpdates).toEqual({ enabled: true, lastChangedAt: undefined })
    expect(flags.known().asOf).toBeGreaterThanOrEqual(began)
    await toggle('real_time_updates_enabled', false)
    const changed = await until('the change', () => {
      const known = flags.known()
      return known.flags.realTimeUpdates.enabled ? undefined : known
    })
    expect(changed.flags.realTimeUpdates.lastChangedAt).toBeGreaterThanOrEqual(began)
    expect(changed.flags.databaseBridge.lastChangedAt).toBeUndefined()
    expect(changed.version).not.toBe(version)
    await until(
      'it to be heard again that they are so',
      () => (flags.known().asOf ?? 0) > (changed.asOf ?? 0) || undefined,
    )
    await toggle('real_time_updates_enabled', true)
    await until('the change back', () => flags.known().flags.realTimeUpdates.enabled || undefined)
  })

  test('put 100,000 users into cohorts 90 to 10, where they stay; a raised weight moves nobody back', async () => {
    const { flags, toggle, setDatabaseWeight } = await open()
    await toggle('dashboard_ab_test', true)
    await until('the experiment', () => flags.of('ann').cohort ?? undefined)
    const inDatabase = (): Set<string> => new Set(USERS.filter((user) => flags.of(user).cohort === 'database'))
    const first = inDatabase()
    // four standard deviations of a binomial with p = 0.1
    expect(Math.abs(first.size - 10_000)).toBeLessThan(4 * Math.sqrt(100_000 * 0.1 * 0.9))
    expect(inDatabase()).toEqual(first)
    await setDatabaseWeight(300)
    const raised = await until('the raised weight', () => {
      const users = inDatabase()
      return users.size > 20_000 ? users : undefined
    })
    expect(Math.abs(raised.size - 30_000)).toBeLessThan(4 * Math.sqrt(100_000 * 0.3 * 0.7))
    expect([...first].every((user) => raised.has(user))).toBe(true)
    await setDatabaseWeight(100)
    await toggle('dashboard_ab_test', false)
    await until('no experiment', () => flags.of('ann').cohort === null || undefined)
  })
})

describe('an experiment in a real Unleash', () => {
  test('that gives no variant, or one that nobody knows, leaves everybody in the cohort legacy, told once', async () => {
    const problems: string[] = []
    const solved: string[] = []
    const flags = await connect({
      onProblem: (problem) => problems.push(problem),
      onSolved: (problem) => solved.push(problem),
    })
    onTestFinished(async () => {
      await unleash.setDatabaseWeight(100)
      await unleash.toggle('dashboard_ab_test', false)
    })
    await unleash.setVariants([])
    await unleash.toggle('dashboard_ab_test', true)
    await until('the experiment', () => (flags.of('ann').cohort === 'legacy' ? true : undefined))
    expect(USERS.slice(0, 1000).filter((user) => flags.of(user).cohort !== 'legacy')).toEqual([])
    expect(problems).toEqual([expect.stringMatching(/^dashboard_ab_test is on and gives users no variant: /)])
    expect(flags.health()).toMatchObject({ state: 'DEGRADED', detail: problems[0] })

    await unleash.setVariants([{ name: 'Database', weight: 1000, weightType: 'variable', stickiness: 'userId' }])
    await until('the other problem', () => flags.of('ann').cohort && (problems.length > 1 || undefined))
    expect(flags.of('ann').cohort).toBe('legacy')
    expect(problems[1]).toMatch(/gives users the variant "Database", which nobody knows/)

    await unleash.setDatabaseWeight(1000)
    await until('the variant database', () => flags.of('ann').cohort === 'database' || undefined)
    expect(flags.health().state).toBe('UP')
    expect(solved).toEqual(problems)
  })
})

describe('constraints in a real Unleash', () => {
  const oneOf = (contextName: string, values: string[]) => ({ contextName, operator: 'IN', values, inverted: false })

  test('may look at the roles, so that staff are first', async () => {
    const flags = await connect()
    onTestFinished(() => unleash.setConstraints('database_bridge_enabled', []))
    await unleash.setConstraints('database_bridge_enabled', [forRole('operator')])
    await until('it to be off for others', () => !flags.of('ann', ['viewer']).databaseBridge || undefined)
    expect(flags.of('ann', ['viewer', 'operator']).databaseBridge).toBe(true)
    expect(flags.of('ann', ['operator']).databaseBridge).toBe(true)
    expect(flags.of('ann').databaseBridge).toBe(false)
  })

  test('may look at the host and at the environment', async () => {
    const here = await connect({ place: { host: 'here', environment: 'production' } })
    const there = await connect({ place: { host: 'there', environment: 'production' } })
    const developed = await connect({ place: { host: 'here', environment: 'development' } })
    onTestFinished(() => unleash.setConstraints('database_bridge_enabled', []))
    await unleash.setConstraints('database_bridge_enabled', [
      oneOf('host', ['here']),
      oneOf('environment', ['production']),
    ])
    const isOn = (flags: Flags) => flags.of('ann').databaseBridge
    await until('it to be on here alone', () => (isOn(here) && !isOn(there) && !isOn(developed)) || undefined)
  })
})

describe('Unleash that refuses the token', () => {
  test('leaves the flags that come with the program, and is asked again until it accepts one', async () => {
    const problems: string[] = []
    const flags = await connect({ apiToken: '*:development.wrong', onProblem: (problem) => problems.push(problem) })
    expect(flags.of('ann')).toMatchObject({ databaseBridge: true, cohort: null })
    const told = `${unleash.apiUrl} refuses the token (401): UNLEASH_API_TOKEN must be a backend token of this Unleash; the flags that come with the program count`
    expect(flags.health()).toMatchObject({ state: 'DEGRADED', detail: told })
    expect(problems).toEqual([told])
  })

  test('leaves the last known flags where there are some', async () => {
    const folder = makeFolder()
    await unleash.toggle('user_source_choice_enabled', false)
    onTestFinished(() => unleash.toggle('user_source_choice_enabled', true))
    const first = await connect({ folder })
    await until('the flags', () => first.of('ann').userSourceChoice === false || undefined)
    const refused = await connect({ folder, apiToken: undefined })
    expect(refused.of('ann').userSourceChoice).toBe(false)
    expect(refused.health().detail).toMatch(/refuses the token \(401\).*; the last known flags count$/)
  })
})

describe('Unleash that answers late', () => {
  test('is told with how long it takes, and since when where it does not answer', async () => {
    const proxy = await startProxy(unleash.apiUrl)
    const { health } = await connect({ url: proxy.url })
    const latency = (is: (ms: number) => boolean) =>
      until('how long it takes', () => {
        const { latencyMs } = health()
        return latencyMs !== undefined && is(latencyMs) ? latencyMs : undefined
      })
    proxy.delay(150)
    await latency((ms) => ms >= 150)
    proxy.delay(0)
    await latency((ms) => ms < 150)
    await proxy.cut()
    await latency((ms) => ms >= 500)
  })
})

describe('Unleash that cannot be reached', () => {
  test('leaves the last known flags, also over a restart', async () => {
    const proxy = await startProxy(unleash.apiUrl)
    const folder = makeFolder()
    const { url } = proxy
    const first = await connect({ url, folder })
    expect(first.of('ann').databaseBridge).toBe(true)
    await proxy.cut()
    await until('the problem to be told', () => first.health().state === 'DEGRADED' || undefined)
    expect(first.of('ann').databaseBridge).toBe(true)
    const second = await connect({ url, folder })
    expect(second.of('ann').databaseBridge).toBe(true)
    await proxy.restore()
    await until('it to be reached again', () => first.health().state === 'UP' || undefined)
  })

  test('counts as the bootstrap file says where nothing is known, then as the program says, and else everything is off', async () => {
    const proxy = await startProxy(unleash.apiUrl)
    await proxy.cut()
    const { url } = proxy
    const booted = await connect({ url, bootstrapFile: flagsFile({ historical_data_enabled: false }) })
    expect(booted.of('ann')).toMatchObject({ databaseBridge: true, historicalData: false })
    const asShipped = await connect({ url })
    expect(asShipped.of('ann')).toMatchObject({ databaseBridge: true, historicalData: true, cohort: null })
    expect(asShipped.health()).toMatchObject({
      state: 'DEGRADED',
      detail: `${url} does not answer (ECONNREFUSED); the flags that come with the program count`,
    })
    const off = await connect({ url, defaultFile: join(makeFolder(), 'missing.json') })
    expect(off.of('ann')).toEqual({
      databaseBridge: false,
      historicalData: false,
      realTimeUpdates: false,
      userSourceChoice: false,
      shadowReads: 0,
      cohort: 'legacy',
    })
    expect(off.health().state).toBe('DEGRADED')
  })

  test('does not end the process when it fails while it is being closed', async () => {
    // by itself, so that an error that nobody handles is seen
    const program = `
      import { createServer } from 'node:http'
      import { connectUnleash } from ${JSON.stringify(new URL('../../src/unleash/unleash-flags.ts', import.meta.url).href)}
      const held = []
      const server = createServer((request, response) => held.push(response)).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const flags = await connectUnleash({
        url: 'http://127.0.0.1:' + server.address().port + '/api', appName: 'test', apiToken: undefined,
        folder: ${JSON.stringify(makeFolder())}, refreshIntervalMs: 100,
        bootstrapFile: undefined, defaultFile: 'flags/default.json', onProblem() {}, onSolved() {}, onChange() {} })
      flags.close()
      for (const response of held) response.writeHead(418).end()
      server.close()
      console.log('closed with', held.length > 0 ? 'a poll on its way' : 'nothing on its way')`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
    expect(stdout).toBe('closed with a poll on its way\n')
  })
})
