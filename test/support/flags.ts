import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './transcripts.ts'

/** One by which this share of the answers is compared. */
export function shadowFlags(share = 1): string {
  const file = JSON.parse(readFileSync('flags/default.json', 'utf8'))
  const shadow = file.features.find(({ name }: { name: string }) => name === 'shadow_reads_enabled')
  shadow.enabled = true
  shadow.strategies[0].variants[0].payload.value = String(share)
  const path = join(makeFolder(), 'flags.json')
  writeFileSync(path, JSON.stringify(file))
  return path
}

/** A flags file as it comes with the program, with some flags turned on or off. */
export function flagsFile(enabled: Record<string, boolean> = {}, path = join(makeFolder(), 'flags.json')): string {
  const file = JSON.parse(readFileSync('flags/default.json', 'utf8'))
  for (const feature of file.features) feature.enabled = enabled[feature.name] ?? feature.enabled
  writeFileSync(path, JSON.stringify(file))
  return path
}

/** As Unleash has it: such a strategy counts for those alone whose token has the role. */
export const forRole = (role: string): object => ({
  contextName: 'roles',
  operator: 'STR_CONTAINS',
  values: [role],
  inverted: false,
  caseInsensitive: false,
})

/** A flags file in which one flag has constraints. */
export function constrainedFlagsFile(name: string, constraints: readonly object[], path?: string): string {
  const written = flagsFile({ [name]: true }, path)
  const file = JSON.parse(readFileSync(written, 'utf8'))
  for (const feature of file.features) if (feature.name === name) feature.strategies[0].constraints = constraints
  writeFileSync(written, JSON.stringify(file))
  return written
}
