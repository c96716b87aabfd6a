import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('an operator at the command line', () => {
  test('sees both arms of the experiment, how they differ, and what follows', async () => {
    const folder = makeFolder()
    const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    const { code, stdout } = await run(['experiment', '--since', '2026-04-01'], folder)
    expect(code).toBe(0)
    for (const line of [
      /^INCONCLUSIVE: the experiment has decided no answer yet$/m,
      /^dashboard_ab_test is off; users who were in both arms: 0$/m,
      /^sample ratio: no mismatch \(not tested: too few users, or no fixed share\)$/m,
      /legacy.*database/,
      /expected share.*90\.00 %.*10\.00 %/,
      /users +│ +0 │ +0/,
      /^logLatency: INCONCLUSIVE, /m,
    ])
      expect(stdout).toMatch(line)
    expect(JSON.parse((await run(['experiment', '--json'], folder)).stdout)).toMatchObject({
      flag: 'dashboard_ab_test',
      arms: [{ cohort: 'legacy', questions: '0' }, { cohort: 'database' }],
    })
    expect((await run(['experiment', '--since', 'yesterday'], folder)).code).toBe(2)
  })
})
