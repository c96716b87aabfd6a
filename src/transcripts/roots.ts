import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

/** Who wrote the transcripts of a root. */
export interface RootOwner {
  user: string
  host: string
}

/** A folder of transcripts: `projects` of an agent's config folder. */
export interface Root extends RootOwner {
  /** Absolute path of the `projects` folder; also the root's name. */
  path: string
}

export interface RootSettings {
  /** `TRANSCRIPTS_DIR`: comma-separated folders, each may be labelled `user@host=PATH`; absent: the agent's own. */
  transcriptsDir: string | undefined
  /** `CLAUDE_CONFIG_DIR`. */
  claudeConfigDir: string | undefined
  home: string
  user: string
  host: string
}

const LABELLED = /^([^@=/\\]+)@([^@=/\\]+)=(.+)$/

/**
 * The roots (domain.md, "Where transcripts are"). Throws where a root that was named does not exist.
 * The agent's own folders are taken whether they exist or not: they may come later.
 */
export function resolveRoots(settings: RootSettings): Root[] {
  const { home, user, host } = settings
  const named = settings.transcriptsDir ?? settings.claudeConfigDir
  if (named === undefined)
    return [join(home, '.config', 'claude'), join(home, '.claude')].map((folder) => ({
      path: join(folder, 'projects'),
      user,
      host,
    }))
  const roots = named
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): Root => {
      const label = settings.transcriptsDir === undefined ? null : LABELLED.exec(part)
      const path = resolve(expandHome(label?.[3] ?? part, home))
      if (!existsSync(path) || !statSync(path).isDirectory())
        throw new Error(`transcripts folder ${path} does not exist`)
      return { path: projectsFolder(path), user: label?.[1] ?? user, host: label?.[2] ?? host }
    })
  return roots.filter((root, i) => roots.findIndex((other) => other.path === root.path) === i)
}

function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
}

/** A root may be the agent's config folder or its `projects` folder. */
function projectsFolder(path: string): string {
  if (basename(path) === 'projects') return path
  const projects = join(path, 'projects')
  return existsSync(projects) && statSync(projects).isDirectory() ? projects : path
}
