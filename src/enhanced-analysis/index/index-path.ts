import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { Root } from '../../transcripts/roots.ts'

/** Each set of roots has an index of its own. */
export function indexPathFor(folder: string, roots: readonly Root[]): string {
  const name = hash(
    'sha256',
    roots.map(({ path, format }) => (format === undefined ? path : `${format}:${path}`)).join('\n'),
    'hex',
  ).slice(0, 16)
  return join(folder, `transcripts-${name}.idx`)
}
