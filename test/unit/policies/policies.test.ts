import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  BETWEEN_ATTEMPTS,
  BETWEEN_PUBLICATIONS,
  type Breaker,
  HEALTH_EVERY_MS,
  POLICIES,
  type Policy,
  type Waits,
} from '../../../src/policies/policies.ts'

const NAMES = { clickhouse: 'ClickHouse', redis: 'Redis', unleash: 'Unleash', keys: 'Keys of tokens' }
const ROWS: [name: string, Policy][] = Object.entries(POLICIES).flatMap(([dependency, uses]) =>
  Object.values(uses).map((policy: Policy): [string, Policy] => [NAMES[dependency as keyof typeof NAMES], policy]),
)

const shownTime = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)
const shownBreaker = ({ failures, openMs, trials }: Breaker): string =>
  `${failures} failures, ${shownTime(openMs)}, ${trials} trial calls`
const shownWaits = ({ firstMs, longestMs }: Waits): string => `${shownTime(firstMs)}, ${shownTime(longestMs)} at most`

describe('the policies', () => {
  const document = readFileSync('docs/policies.md', 'utf8')

  test('stand in docs/policies.md, a row each, in one order', () => {
    const rows = ROWS.map(
      ([name, { about, deadlineMs, attempts, breaker, atOnce, waiting }]) =>
        `| ${name} | ${about} | ${shownTime(deadlineMs)} | ${attempts} | ${breaker === undefined ? 'none' : shownBreaker(breaker)} | ${atOnce} | ${waiting} |`,
    )
    expect(document).toContain(rows.join('\n'))
  })

  test('stand there with how long is waited between attempts, and how often health is asked', () => {
    expect(document).toContain(`twice as long each time, from ${shownWaits(BETWEEN_ATTEMPTS)}`)
    expect(document).toContain(`twice as long each time, from ${shownWaits(BETWEEN_PUBLICATIONS)}`)
    expect(document).toContain(`asked every ${shownTime(HEALTH_EVERY_MS)}`)
  })

  test('keep what is promised: 3 attempts, 10 connections, breakers of 5 failures, 30 s and 3 trial calls', () => {
    for (const [, { attempts, breaker }] of ROWS) {
      expect(attempts).toBeLessThanOrEqual(3)
      expect([undefined, '5 failures, 30 s, 3 trial calls']).toContain(breaker && shownBreaker(breaker))
    }
    for (const uses of Object.values(POLICIES)) {
      const policies: Policy[] = Object.values(uses)
      expect(policies.some(({ breaker }) => breaker !== undefined)).toBe(true)
      expect(policies.reduce((sum, { atOnce }) => sum + atOnce, 0)).toBeLessThanOrEqual(10)
    }
  })
})
