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
