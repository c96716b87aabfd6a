import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ALERT_NAMES } from '../../../src/risk/alert-names.ts'
import { INDICATOR_NAMES, rowOf } from '../../../src/risk/indicators.ts'
import { RISKS } from '../../../src/risk/risks.ts'
import { runbookOf } from '../../../src/risk/runbooks.ts'
import { sectionsOf } from '../../support/sections.ts'

describe('a runbook', () => {
  const names = [...RISKS.map(({ number }) => `risk-${number}`), ...ALERT_NAMES]

  test.each(names)('is there for %s, and says what to do', (name) => {
    const [path, anchor] = runbookOf(name).split('#') as [string, string]
    expect(sectionsOf(path).get(anchor)?.length, `${path} has nothing under ${anchor}`).toBeGreaterThan(30)
  })

  test('is of something that there is', () => {
    expect([...sectionsOf('docs/runbooks/alerts.md').keys()].sort()).toEqual([...names].sort())
  })
})

test('the table of docs/watching.md has each indicator as it is', () => {
  const table = readFileSync('docs/watching.md', 'utf8').replace(/ +/g, ' ')
  const rows = INDICATOR_NAMES.map((name) => {
    const { risk, unit, alarm, threshold, severity, how, source } = rowOf(name)
    const lines = `${alarm ?? 'none'} | ${threshold ?? 'none'}`
    return `| \`${name}\` | ${risk} | ${unit} | ${lines} | ${severity} | ${how}: ${source} |`
  })
  expect(table).toContain(rows.join('\n'))
})
