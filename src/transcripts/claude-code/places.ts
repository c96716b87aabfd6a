import { existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { TranscriptFormat } from '../format.ts'

/** `CLAUDE_CONFIG_DIR`, else the folders that the agent takes without it. */
export const places: TranscriptFormat['places'] = ({ claudeConfigDir, home }) =>
  claudeConfigDir === undefined
    ? { usual: [join(home, '.config', 'claude', 'projects'), join(home, '.claude', 'projects')] }
    : { named: claudeConfigDir }

/** `projects`, or the agent's config folder around it. */
export function folderIn(folder: string): string | undefined {
  if (basename(folder) === 'projects') return folder
  const projects = join(folder, 'projects')
  return existsSync(projects) && statSync(projects).isDirectory() ? projects : undefined
}

export const isTranscript = (name: string): boolean => name.endsWith('.jsonl')
