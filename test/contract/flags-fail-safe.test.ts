import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { POLICIES } from '../../src/policies/policies.ts'
import { flagsFile } from '../support/flags.ts'
import { connect, type Reply, SHIPPED, says, startOddUnleash } from '../support/odd-unleash.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const POLL = POLICIES.unleash.poll

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
    expect(flags.health()).toMatchObject({ state: 'DEGRADED', detail: problems[0] })
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

describe('an Unleash that answers none of several questions', () => {
  const BREAKER = { ...POLL.breaker, openMs: 400 }

  test('is left alone for a while, then asked once; the last known flags count, and health says how old that is', async () => {
    const at: number[] = []
    const server = await startOddUnleash(says(SHIPPED))
    const { flags } = await connect(server.url, { policy: { ...POLL, breaker: BREAKER } })
    const before = flags.of('ann')
    expect(flags.health().state).toBe('UP')
    server.say((response) => {
      at.push(performance.now())
      response.writeHead(503).end()
    })
    const gap = (n: number): number => (at[n] as number) - (at[n - 1] as number)
    await until('two trials', () => at.length > BREAKER.failures + 1 || undefined)
    expect([gap(BREAKER.failures), gap(BREAKER.failures + 1)].every((ms) => ms >= BREAKER.openMs)).toBe(true)
    expect(flags.of('ann')).toEqual(before)
    const { state, detail, ageMs } = flags.health()
    expect({ state, detail }).toMatchObject({ state: 'DEGRADED', detail: expect.stringContaining('answers 503') })
    expect(ageMs).toBeGreaterThanOrEqual(0)
    await until('that to be older', () => (flags.health().ageMs ?? 0) > BREAKER.openMs / 2 || undefined)
    server.say(says(SHIPPED))
    await until('it to be well again', () => flags.health().state === 'UP' || undefined)
  })

  test('is told again where it goes away after one trial call that it answered', async () => {
    let answers = 0
    const away: Reply = (response) => response.writeHead(503).end()
    const server = await startOddUnleash(says(SHIPPED))
    const { flags } = await connect(server.url, { policy: { ...POLL, breaker: BREAKER } })
    server.say(away)
    await until('it to be told', () => flags.health().state === 'DEGRADED' || undefined)
    await until('it to be left alone', () => (flags.health().ageMs ?? 0) > BREAKER.openMs / 2 || undefined)
    server.say((response) => (answers++ === 0 ? says(SHIPPED) : away)(response))
    await until('one answer', () => answers > 0 || undefined)
    await until('it to be told once more', () => (answers > 2 && flags.health().state === 'DEGRADED') || undefined)
  })

  test('is asked again at once where only one answer is missing', async () => {
    let asked = 0
    const server = await startOddUnleash((response) => {
      asked++
      if (asked === 1) response.destroy()
      else says(SHIPPED)(response)
    })
    const { flags, problems } = await connect(server.url)
    expect([flags.health().state, problems]).toEqual(['UP', []])
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
