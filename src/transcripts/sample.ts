import { fileURLToPath } from 'node:url'
import type { Root } from './roots.ts'

/** A few made-up transcripts that are part of the package, for a machine that has none. */
export const SAMPLE_ROOT: Root = {
  path: fileURLToPath(new URL('../../sample/projects', import.meta.url)),
  user: 'sample',
  host: 'sample',
}
