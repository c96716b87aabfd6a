import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

// The settings that say where files are, for a command that has no time to read the others.

type Environment = Readonly<Record<string, string | undefined>>

/** A setting as it stands in the environment; empty means absent. */
export function settingOf(name: string, environment: Environment): string | undefined {
  const text = environment[name]?.trim()
  return text === '' ? undefined : text
}

export const homeOf = (environment: Environment): string => environment.HOME ?? homedir()

/** An absolute path; `~` is the home folder. */
export const pathFrom = (path: string, home: string): string =>
  resolve(path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path)

/** Where a status line finds what was counted. */
export interface StatusPlaces {
  /** `DATA_DIR`, else `.token-bridge` in the home folder: a status line runs in whatever folder somebody works in. */
  dataDir: string
  /** Names the transcripts that are counted. */
  transcripts: string
}

export function statusPlaces(environment: Environment = process.env): StatusPlaces {
  const home = homeOf(environment)
  const dataDir = settingOf('DATA_DIR', environment)
  return {
    dataDir: dataDir === undefined ? join(home, '.token-bridge') : pathFrom(dataDir, home),
    transcripts: JSON.stringify([
      settingOf('TRANSCRIPTS_DIR', environment),
      settingOf('CLAUDE_CONFIG_DIR', environment),
      home,
    ]),
  }
}
