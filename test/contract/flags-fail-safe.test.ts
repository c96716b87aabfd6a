import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Flags } from '../../src/ports/flags.ts'
import { openFlagsFile } from '../../src/unleash/flags-file.ts'
import { connectUnleash } from '../../src/unleash/unleash-flags.ts'
import { flagsFile } from '../support/flags.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const SHIPPED = readFileSync('flags/default.json', 'utf8')
type Reply = (response: ServerResponse) => void
const says =
  (body: string, status = 200): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)

/** A server that says whatever a test wants, where Unleash should be. */
async function startOddUnleash(reply: Reply): Promise<{ url: string; say(reply: Reply): void }> {
  let now = reply
  const server = createServer((_request, response) => now(response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, say: (next) => (now = next) }
}

interface Told {
  flags: Flags
  problems: string[]
  solved: string[]
}

async function connect(url: string, more: Partial<Parameters<typeof connectUnleash>[0]> = {}): Promise<Told> {
  const problems: string[] = []
  const solved: string[] = []
  const flags = await connectUnleash({
    url,
    apiToken: 'secret',
    appName: 'token-bridge',
    folder: makeFolder(),
    bootstrapFile: undefined,
    defaultFile: 'flags/default.json',
    refreshIntervalMs: 20,
    onProblem: (problem) => problems.push(problem),
    onSolved: (problem) => solved.push(problem),
    onChange() {},
    ...more,
  })
  onTestFinished(() => flags.close())
  return { flags, problems, solved }
}

interface Strategy {
  name: string
  parameters: object
  constraints?: object[]
  segments?: number[]
  variants?: { name: string; weight: number; payload?: object }[]
}
interface Feature {
  name: string
  enabled: unknown
  strategies: [Strategy, ...Strategy[]] | []
}

const shipped = (): { features: Feature[] } => JSON.parse(SHIPPED)
const featureOf = ({ features }: { features: Feature[] }, name: string): Feature =>
  features.find((feature) => feature.name === name) as Feature

/** The shipped flags with the experiment on, changed. */
function experimentWith(change: (feature: Feature) => void): string {
  const answer = shipped()
  const feature = featureOf(answer, 'dashboard_ab_test')
  feature.enabled = true
  change(feature)
  return JSON.stringify(answer)
}

/** The experiment on, its strategy changed. */
const strategyWith = (change: Partial<Strategy>): string =>
  experimentWith((feature) => Object.assign(feature.strategies[0] as Strategy, change))

function without(...names: string[]): string {
  const answer = shipped()
  return JSON.stringify({ ...answer, features: answer.features.filter(({ name }) => !names.includes(name)) })
}

function shadowReads(value: unknown): string {
  const answer = shipped()
  const feature = featureOf(answer, 'shadow_reads_enabled')
  feature.enabled = true
  Object.assign(feature.strategies[0]?.variants?.[0] ?? {}, { payload: { type: 'number', value } })
  return JSON.stringify(answer)
}

describe('an answer of Unleash that cannot be used', () => {
  test.each<[string, Reply, RegExp]>([
    ['HTML', says('<!doctype html><title>log in</title>'), /is no Unleash API \(it is no JSON\)/],
    ['another JSON', says('{"toggles":[]}'), /is no Unleash API \(it has no list of flags/],
    ['null', says('null'), /is no Unleash API/],
    ['404', says('', 404), /is no Unleash API \(it answers 404\)/],
    ['500', says('', 500), /answers 500/],
    ['403', says('', 403), /refuses the token \(403\)/],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'content-length': 1000 }).end('{"fea'),
      /does not answer/,
    ],
    [
      'an answer without end',
      (response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 20, ' ')));
        }
        response.on('drain', more)
        more()
      },
      /its answer is larger than/,
    ],
  ])('leaves the flags as they were: %s', async (_what, odd, cause) => {
    const server = await startOddUnleash(says(SHIPPED.replace('"version": 2', '"version": 3')))
    const { flags, problems, solved } = await connect(server.url)
    await until('it to be reached', () => flags.health().state === 'UP' || undefined)
    const before = flags.of('ann')
    server.say(odd)
    await until('the problem', () => problems.length > 0 || undefined)
    expect(problems[0]).toMatch(cause)
    expect(problems[0]).toMatch(/; the last known flags count$/)
    expect(flags.health()).toEqual({ state: 'DEGRADED', detail: problems[0] })
    expect(flags.of('ann')).toEqual(before)
    server.say(says(SHIPPED))
    await until('it to be well again', () => flags.health().state === 'UP' || undefined)
    // told once each, however often it was asked
    expect([problems.length, solved.length]).toEqual([1, 1])
  })

  test('is told once while it lasts, and asked again', async () => {
    let asked = 0
    const server = await startOddUnleash((response) => {
      asked++
      response.writeHead(401).end()
    })
    const { flags, problems, solved } = await connect(server.url)
    await until('several questions', () => asked > 3 || undefined)
    expect(problems).toHaveLength(1)
    server.say(says(SHIPPED))
    await until('the token to be accepted', () => flags.health().state === 'UP' || undefined)
    expect(solved).toEqual(problems)
  })
})

describe('what counts until Unleash is reached', () => {
  test.each([
    ['garbage', '{ not flags'],
    ['nothing', ''],
    ['something else', '{"features":{}}'],
  ])('is the next where the last known flags are %s', async (_what, damaged) => {
    const server = await startOddUnleash(says('', 401))
    const folder = makeFolder()
    writeFileSync(join(folder, 'unleash-backup-token-bridge.json'), damaged)
    const bootstrapFile = flagsFile({ historical_data_enabled: false })
    const booted = await connect(server.url, { folder, bootstrapFile })
    expect(booted.flags.of('ann')).toMatchObject({ databaseBridge: true, historicalData: false })
    expect(booted.problems).toContainEqual(expect.stringMatching(/unleash-backup-token-bridge.json cannot be read/))

    writeFileSync(bootstrapFile, damaged)
    const third = await connect(server.url, { folder, bootstrapFile })
    expect(third.flags.of('ann')).toMatchObject({ databaseBridge: true, historicalData: true })
    expect(third.problems).toContainEqual(expect.stringContaining(`${bootstrapFile} cannot be read`))
    expect(third.flags.health().detail).toContain(`${bootstrapFile} cannot be read`)

    server.say(says(SHIPPED))
    await until('all to be well', () => third.flags.health().state === 'UP' || undefined)
    expect(new Set(third.solved)).toEqual(new Set(third.problems))
  })
})

describe('a flag that makes no sense', () => {
  const LEGACY: [string, string, RegExp][] = [
    [
      'the experiment is not defined',
      without('dashboard_ab_test'),
      /^dashboard_ab_test is not defined: everybody is in/,
    ],
    [
      'the experiment is malformed',
      experimentWith((feature) => (feature.enabled = 'no')),
      /^dashboard_ab_test is malformed \(enabled /,
    ],
    [
      'the experiment has an unknown strategy alone',
      experimentWith((feature) => (feature.strategies = [{ name: 'moonPhase', parameters: {} }])),
      /^dashboard_ab_test has the strategy "moonPhase"/,
    ],
    [
      'the experiment has a segment that is missing',
      strategyWith({ segments: [7] }),
      /^dashboard_ab_test has the segment 7, which is missing/,
    ],
    [
      'the experiment has a constraint without values',
      strategyWith({ constraints: [{ contextName: 'userId', operator: 'IN' }] }),
      /^dashboard_ab_test cannot be evaluated/,
    ],
    [
      'the experiment has no strategy and no variants',
      experimentWith((feature) => (feature.strategies = [])),
      /no variant/,
    ],
    [
      'the experiment’s variants weigh nothing',
      strategyWith({ variants: [{ name: 'database', weight: 0 }] }),
      /no variant/,
    ],
  ]
  test.each(LEGACY)('puts everybody in the cohort legacy: %s', async (_what, answer, problem) => {
    const server = await startOddUnleash(says(answer))
    const { flags, problems } = await connect(server.url)
    for (const user of ['ann', 'bob', 'cy', 'dan', 'eve']) expect(flags.of(user).cohort).toBe('legacy')
    expect(problems).toContainEqual(expect.stringMatching(problem))
    expect(flags.health().state).toBe('DEGRADED')
    const told = problems.length
    for (let i = 0; i < 100; i++) flags.of(`user-${i}`)
    expect(problems).toHaveLength(told)
    server.say(says(SHIPPED))
    await until('it to be well again', () => flags.health().state === 'UP' || undefined)
    expect(flags.of('ann').cohort).toBeNull()
  })

  test('is off where it is missing, and the kill switch, too', async () => {
    const server = await startOddUnleash(
      says(without('database_bridge_enabled', 'historical_data_enabled', 'user_source_choice_enabled')),
    )
    const { flags, problems } = await connect(server.url)
    expect(flags.of('ann')).toMatchObject({
      databaseBridge: false,
      historicalData: false,
      userSourceChoice: false,
      realTimeUpdates: true,
    })
    expect(problems).toEqual(
      ['database_bridge_enabled', 'historical_data_enabled', 'user_source_choice_enabled'].map(
        (name) => `${name} is not defined: it counts as off`,
      ),
    )
  })

  test('is one that is given twice: nobody can know which of them is meant', async () => {
    const twice = shipped()
    for (const name of ['database_bridge_enabled', 'dashboard_ab_test']) {
      const one = structuredClone(featureOf(twice, name))
      one.enabled = !one.enabled
      twice.features.push(one)
    }
    const path = flagsFile()
    writeFileSync(path, JSON.stringify(twice))
    const problems: string[] = []
    const flags = await openFlagsFile(path, { onProblem: (problem) => problems.push(problem), onSolved() {} })
    onTestFinished(() => flags.close())
    expect(problems).toEqual([
      'database_bridge_enabled is malformed (it is given 2 times): it counts as off',
      'dashboard_ab_test is malformed (it is given 2 times): everybody is in the cohort legacy',
    ])
    expect(flags.of('ann')).toMatchObject({ databaseBridge: false, cohort: 'legacy', historicalData: true })
    writeFileSync(path, SHIPPED)
    await until('it to be well again', () => flags.health().state === 'UP' || undefined)
    expect(flags.of('ann').databaseBridge).toBe(true)
  })

  test('does not hold up the others: the kill switch still works beside a malformed flag', async () => {
    const odd = shipped()
    featureOf(odd, 'database_bridge_enabled').enabled = false
    const features = [...odd.features, null, 7, { name: 'of_somebody_else', enabled: [] }]
    const server = await startOddUnleash(says(JSON.stringify({ ...odd, features })))
    const { flags } = await connect(server.url)
    expect(flags.of('ann').databaseBridge).toBe(false)
    expect(flags.health().state).toBe('UP')
  })

  test.each([
    ['abc'],
    ['1e400'],
    ['0x1'],
    [''],
    [null],
    [{ rate: 1 }],
    [[0.5]],
    [true],
    ['-1'],
    ['1.5'],
    ['9'.repeat(400)],
    [Number.MAX_VALUE],
  ])('is no rate of shadow reads: %j', async (value) => {
    const server = await startOddUnleash(says(shadowReads(value)))
    const { flags, problems } = await connect(server.url)
    expect(flags.of('ann').shadowReads).toBe(0)
    expect(problems).toEqual([expect.stringMatching(/^shadow_reads_enabled is on without a payload/)])
  })

  test.each([
    ['0.01', 0.01],
    ['1', 1],
    ['0', 0],
    [0.5, 0.5],
  ])('is a rate of shadow reads: %j', async (value, rate) => {
    const server = await startOddUnleash(says(shadowReads(value)))
    const { flags } = await connect(server.url)
    expect(flags.of('ann').shadowReads).toBe(rate)
    expect(flags.health().state).toBe('UP')
  })

  test('in the flags file is told in the same way', async () => {
    const path = join(makeFolder(), 'flags.json')
    writeFileSync(path, without('dashboard_ab_test'))
    const problems: string[] = []
    const flags = await openFlagsFile(path, { onProblem: (problem) => problems.push(problem), onSolved() {} })
    onTestFinished(() => flags.close())
    expect(flags.of('ann').cohort).toBe('legacy')
    expect(problems).toEqual(['dashboard_ab_test is not defined: everybody is in the cohort legacy'])
    expect(flags.health()).toEqual({ state: 'DEGRADED', detail: `the file ${path}; ${problems[0]}` })
  })
})
