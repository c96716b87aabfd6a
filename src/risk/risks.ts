import { INDICATOR_NAMES, type IndicatorName, type RiskNumber, rowOf } from './indicators.ts'
import { runbookOf } from './runbooks.ts'

export const IMPACTS = ['Low', 'Medium', 'High', 'Critical'] as const
export type Impact = (typeof IMPACTS)[number]

/** A risk of the matrix. */
export interface Risk {
  number: RiskNumber
  title: string
  category: string
  /** 1 to 10. */
  probability: number
  impact: Impact
  indicators: readonly IndicatorName[]
  runbook: string
}

const MATRIX: Record<RiskNumber, Pick<Risk, 'title' | 'category' | 'probability' | 'impact'>> = {
  1: { title: 'Data corruption during migration', category: 'Technical/Security', probability: 6, impact: 'Critical' },
  2: { title: 'Slow under load', category: 'Performance/Technical', probability: 7, impact: 'High' },
  3: { title: 'ClickHouse away', category: 'Integration/Infrastructure', probability: 8, impact: 'Critical' },
  4: { title: 'Breaking the dashboard', category: 'Integration/Technical', probability: 5, impact: 'High' },
  5: { title: 'Security vulnerability', category: 'Security', probability: 4, impact: 'Critical' },
  6: { title: 'Insufficient tests', category: 'Technical/Timeline', probability: 6, impact: 'High' },
  7: { title: 'Timeline overrun', category: 'Timeline/Resource', probability: 7, impact: 'Medium' },
}

/** The seven risks, in the order of their numbers. */
export const RISKS: readonly Risk[] = Object.entries(MATRIX).map(([text, told]) => {
  const number = Number(text) as RiskNumber
  const indicators = INDICATOR_NAMES.filter((name) => rowOf(name).risk === number)
  return { ...told, number, indicators, runbook: runbookOf(`risk-${number}`) }
})
