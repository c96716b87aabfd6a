import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './transcripts.ts'

/** A flags file as it comes with the program, with some flags turned on or off. */
export function flagsFile(enabled: Record<string, boolean> = {}, path = join(makeFolder(), 'flags.json')): string {
  const file = JSON.parse(readFileSync('flags/default.json', 'utf8'))
  for (const feature of file.features) feature.enabled = enabled[feature.name] ?? feature.enabled
  writeFileSync(path, JSON.stringify(file))
  return path
}
