import { basename, sep } from 'node:path'

/** What the place of a transcript says about its records (domain.md, "Where transcripts are", and rule 6). */
export interface LogNaming {
  /** First path segment under `projects`. */
  project: string
  /** The session of `<session>/subagents/…`, which beats what a line says. */
  pathSession: string | undefined
  /** The file's stem: the session of lines that name none. */
  stem: string
}

/** `relativePath` is the path under the root's `projects` folder. */
export function nameLog(relativePath: string): LogNaming {
  const segments = relativePath.split(sep)
  const subagents = segments.indexOf('subagents', 1)
  return {
    project: segments[0] ?? '',
    pathSession: subagents > 0 && subagents < segments.length - 1 ? segments[subagents - 1] : undefined,
    stem: basename(relativePath, '.jsonl'),
  }
}
