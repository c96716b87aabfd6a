import { Gauge, type Registry } from 'prom-client'

/** An indicator of risk as it was measured last. */
export interface IndicatorFigure {
  name: string
  /** `null`: it was not measured. */
  value: number | null
  alarmLine: number | null
  threshold: number | null
  state: string
}

const FIGURES: [name: string, help: string, of: (indicator: IndicatorFigure) => number | null][] = [
  ['value', 'Indicators of risk, each in its own unit (docs/watching.md); absent: not measured.', ({ value }) => value],
  ['alarm_line', 'From here on it warns.', ({ alarmLine }) => alarmLine],
  ['threshold', 'From here on what was promised is broken.', ({ threshold }) => threshold],
]

export function addRiskGauges(registry: Registry, indicators: () => readonly IndicatorFigure[]): void {
  for (const [name, help, of] of FIGURES)
    new Gauge({
      name: `token_bridge_risk_indicator_${name}`,
      help,
      labelNames: ['indicator'],
      registers: [registry],
      collect() {
        this.reset()
        for (const one of indicators()) {
          const value = of(one)
          if (value !== null) this.set({ indicator: one.name }, value)
        }
      },
    })
  new Gauge({
    name: 'token_bridge_risk_indicator_state',
    help: '1 for the state that an indicator of risk is in: OK, ALARM, BREACHED, UNKNOWN.',
    labelNames: ['indicator', 'state'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, state } of indicators()) this.set({ indicator: name, state }, 1)
    },
  })
}
