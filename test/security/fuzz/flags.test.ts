import fc from 'fast-check'
import { Unleash } from 'unleash-client'
import { expect, onTestFinished, test } from 'vitest'
import { COHORTS, FLAG_NAMES } from '../../../src/ports/flags.ts'
import { DefinitionsRepository, parseDefinitions } from '../../../src/unleash/definitions.ts'
import { createProblems } from '../../../src/unleash/problems.ts'
import { createUserFlags, noteDefinitions } from '../../../src/unleash/user-flags.ts'
import { damage, misshape, runs } from '../../support/mutations.ts'
import { SHIPPED } from '../../support/odd-unleash.ts'

/** All on, with a constraint and a segment, so that there is something to evaluate. */
const FLAGS = (() => {
  const answer = JSON.parse(SHIPPED)
  for (const feature of answer.features) {
    feature.enabled = true
    Object.assign(feature.strategies[0], {
      constraints: [{ contextName: 'userId', operator: 'IN', values: ['ann'], inverted: false }],
      segments: [1],
    })
  }
  answer.segments = [{ id: 1, constraints: [{ contextName: 'userId', operator: 'STR_STARTS_WITH', values: ['a'] }] }]
  return answer
})()
const text = fc.oneof(
  misshape.map((change) => JSON.stringify(change(FLAGS)) ?? ''),
  damage.map((harm) => harm(Buffer.from(JSON.stringify(FLAGS))).toString('utf8')),
)

// a file, and what Unleash answers, are read by the same function
test('flags of any shape give every user a reading, and none is on that is not said to be', async () => {
  const repository = new DefinitionsRepository()
  const problems = createProblems({ onProblem: () => undefined, onSolved: () => undefined })
  const unleash = new Unleash({
    appName: 'test',
    url: 'http://flags.invalid',
    repository,
    disableMetrics: true,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
  })
  await unleash.start()
  onTestFinished(() => unleash.destroy())
  const of = createUserFlags(unleash, repository, problems)
  let understood = 0
  fc.assert(
    fc.property(text, (given) => {
      let definitions: ReturnType<typeof parseDefinitions>
      try {
        definitions = parseDefinitions(given)
      } catch (error) {
        // one line, in which nothing of the text stands
        expect((error as Error).message).toMatch(/^it (is no JSON|has no list of flags: [ -~]+)$/)
        return
      }
      understood++
      noteDefinitions(definitions, repository.set(definitions), problems)
      const features: { name?: unknown; enabled?: unknown }[] = JSON.parse(given).features
      const saysOn = (name: string): boolean => {
        const named = features.filter((one) => one?.name === name)
        return named.length === 1 && named[0]?.enabled === true
      }
      for (const user of ['ann', 'bob', '__proto__']) {
        const flags = of(user)
        for (const name of ['databaseBridge', 'historicalData', 'realTimeUpdates', 'userSourceChoice'] as const) {
          expect(flags[name]).toBeTypeOf('boolean')
          if (flags[name]) expect(saysOn(FLAG_NAMES[name]), name).toBe(true)
        }
        expect(flags.shadowReads >= 0 && flags.shadowReads <= 1).toBe(true)
        if (flags.shadowReads > 0) expect(saysOn(FLAG_NAMES.shadowReads)).toBe(true)
        expect([...COHORTS, null]).toContain(flags.cohort)
        if (flags.cohort === 'database') expect(saysOn(FLAG_NAMES.experiment)).toBe(true)
      }
    }),
    runs(600),
  )
  expect(understood).toBeGreaterThan(0)
})
