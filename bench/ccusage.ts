import { chmodSync, copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The native program of this platform; `undefined` where there is none. */
function packaged(): string | undefined {
  try {
    const name = `@ccusage/ccusage-${process.platform}-${process.arch}/package.json`
    return join(dirname(createRequire(import.meta.url).resolve(name)), 'bin', 'ccusage')
  } catch {
    return undefined
  }
}

export const hasCcusage = (): boolean => packaged() !== undefined

/**
 * A copy of it in a folder, which may be run: its package may ship it without that right, and may not be ours to change.
 */
export function ccusageIn(folder: string): string {
  const program = packaged()
  if (program === undefined) throw new Error('ccusage has no program for this platform')
  const copy = join(folder, 'ccusage')
  copyFileSync(program, copy)
  chmodSync(copy, 0o755)
  return copy
}
