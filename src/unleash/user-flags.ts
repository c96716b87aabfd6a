import type { Unleash } from 'unleash-client'
import { COHORTS, type UserFlags } from '../ports/flags.ts'

/** The names that engineers toggle in Unleash. */
export const FLAG_NAMES = {
  databaseBridge: 'database_bridge_enabled',
  historicalData: 'historical_data_enabled',
  realTimeUpdates: 'real_time_updates_enabled',
  experiment: 'dashboard_ab_test',
  userSourceChoice: 'user_source_choice_enabled',
  shadowReads: 'shadow_reads_enabled',
} as const

/** Reads all flags of a user at once. */
export function readUserFlags(unleash: Unleash, userId: string): UserFlags {
  const context = { userId }
  const isOn = (name: string): boolean => unleash.isEnabled(name, context)
  const experiment = unleash.getVariant(FLAG_NAMES.experiment, context)
  const cohort = COHORTS.find((name) => name === experiment.name)
  return {
    databaseBridge: isOn(FLAG_NAMES.databaseBridge),
    historicalData: isOn(FLAG_NAMES.historicalData),
    realTimeUpdates: isOn(FLAG_NAMES.realTimeUpdates),
    userSourceChoice: isOn(FLAG_NAMES.userSourceChoice),
    shadowReads: isOn(FLAG_NAMES.shadowReads) ? rateOf(unleash, context) : 0,
    cohort: experiment.feature_enabled && cohort !== undefined ? cohort : null,
  }
}

/** The payload of the flag's variant: a number from 0 to 1; anything else is 0. */
function rateOf(unleash: Unleash, context: { userId: string }): number {
  const rate = Number(unleash.getVariant(FLAG_NAMES.shadowReads, context).payload?.value ?? Number.NaN)
  return rate >= 0 && rate <= 1 ? rate : 0
}
