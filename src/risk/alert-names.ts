import { INDICATOR_NAMES, isIndicator, type RiskNumber, rowOf, type Severity } from './indicators.ts'

// What an alert can be about: an indicator, a part of the bridge that is down, the guard.

interface Subject {
  severity: Severity
  risk: RiskNumber | undefined
}

/** The parts of health, and how bad it is when one is DOWN. */
export const COMPONENTS = {
  'enhanced-analysis': { severity: 'CRITICAL', risk: 4 },
  journal: { severity: 'CRITICAL', risk: 3 },
  clickhouse: { severity: 'HIGH', risk: 3 },
  publisher: { severity: 'HIGH', risk: 3 },
  redis: { severity: 'MEDIUM', risk: 2 },
  unleash: { severity: 'MEDIUM', risk: 4 },
  access: { severity: 'HIGH', risk: 5 },
  audit: { severity: 'CRITICAL', risk: 5 },
  isolation: { severity: 'HIGH', risk: 5 },
  guard: { severity: 'HIGH', risk: 4 },
} as const satisfies Record<string, Subject>

export type ComponentName = keyof typeof COMPONENTS

export const GUARD_TRIPPED = 'guard_tripped'
export const downName = (component: string): string => `${component.replaceAll('-', '_')}_down`

const OTHERS: ReadonlyMap<string, Subject> = new Map<string, Subject>([
  [GUARD_TRIPPED, { severity: 'CRITICAL', risk: 4 }],
  ...Object.entries(COMPONENTS).map(([name, subject]) => [downName(name), subject] as const),
])

export const ALERT_NAMES: readonly string[] = [...INDICATOR_NAMES, ...OTHERS.keys()]

/** A later release may know of more. */
export const subjectOf = (name: string): Subject =>
  isIndicator(name) ? rowOf(name) : (OTHERS.get(name) ?? { severity: 'HIGH', risk: undefined })
