import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { PlaceSettings, TranscriptFormat } from './format.ts'
import type { Formatted } from './format-of.ts'
import { FORMATS } from './formats.ts'

/** Who wrote the transcripts of a root. */
export interface RootOwner {
  user: string
  host: string
}

/** A folder of transcripts, in the format of one agent. */
export interface Root extends RootOwner, Formatted {
  /** Absolute path of the folder; also the root's name. */
  path: string
  /** Its owner was named, and is not just whoever runs this. */
  isLabelled?: boolean
}

export interface RootSettings extends PlaceSettings, RootOwner {
  /** `TRANSCRIPTS_DIR`: comma-separated folders, each may be labelled `user@host=PATH`; absent: the agents' own. */
  transcriptsDir: string | undefined
}

const LABELLED = /^([^@=/\\]+)@([^@=/\\]+)=(.+)$/

/**
 * The roots (domain.md, "Where transcripts are"). Throws where a root that was named does not exist.
 * The agents' own folders are taken whether they exist or not: they may come later.
 */
export function resolveRoots(settings: RootSettings): Root[] {
  const { transcriptsDir, user, host } = settings
  const roots =
    transcriptsDir === undefined
      ? FORMATS.flatMap((format) => {
          const places = format.places(settings)
          if ('named' in places) return partsOf(places.named).map((part) => namedRoot(part, { user, host }, settings))
          return places.usual.map((path) => rootOf(path, format, { user, host }))
        })
      : partsOf(transcriptsDir).map((part) => {
          const [, labelUser, labelHost, path] = LABELLED.exec(part) ?? []
          const root = namedRoot(path ?? part, { user: labelUser ?? user, host: labelHost ?? host }, settings)
          return path === undefined ? root : { ...root, isLabelled: true }
        })
  return roots.filter((root, i) => roots.findIndex((other) => other.path === root.path) === i)
}

function partsOf(list: string): string[] {
  return list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** The first format that finds its transcripts there is the one that they are read in. */
function namedRoot(named: string, owner: RootOwner, { home }: RootSettings): Root {
  const path = resolve(expandHome(named, home))
  if (!existsSync(path) || !statSync(path).isDirectory()) throw new Error(`transcripts folder ${path} does not exist`)
  for (const format of FORMATS) {
    const folder = format.folderIn(path)
    if (folder !== undefined) return rootOf(folder, format, owner)
  }
  return rootOf(path, FORMATS[0], owner)
}

function rootOf(path: string, format: TranscriptFormat, { user, host }: RootOwner): Root {
  return { path, user, host, ...(format === FORMATS[0] ? {} : { format: format.name }) }
}

function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
}
