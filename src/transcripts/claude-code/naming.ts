import { basename, sep } from 'node:path'
import type { LogNaming } from '../format.ts'

/**
 * The project is the first segment of the path under `projects`; in `<session>/subagents/…`, the session is named by
 * the path.
 */
export function nameLog(relativePath: string): LogNaming {
  const segments = relativePath.split(sep)
  const subagents = segments.indexOf('subagents', 1)
  return {
    project: segments[0] ?? '',
    pathSession: subagents > 0 && subagents < segments.length - 1 ? segments[subagents - 1] : undefined,
    stem: basename(relativePath, '.jsonl'),
  }
}

/** The agent names a project's folder by its path, a dash for all that is no letter or digit of ASCII. */
export const projectAt = (folder: string): string => folder.replace(/[^a-zA-Z0-9]/g, '-')

/** Each line names the folder that it was written in; the last line may be cut off. */
export function foldersIn(head: string): string[] {
  return Array.from(head.matchAll(/"cwd"\s*:\s*("(?:[^"\\]|\\.)*")/g), ([, text]) => readText(text as string)).filter(
    (folder) => folder !== '',
  )
}

function readText(json: string): string {
  try {
    return JSON.parse(json) as string
  } catch {
    return ''
  }
}
