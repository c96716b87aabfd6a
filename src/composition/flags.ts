import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { Audit } from '../ports/audit.ts'
import type { Flags } from '../ports/flags.ts'
import { openFlagsFile } from '../unleash/flags-file.ts'
import { connectUnleash } from '../unleash/unleash-flags.ts'

/** The flags that come with the program. */
const DEFAULT_FLAGS = fileURLToPath(new URL('../../flags/default.json', import.meta.url))

/** Throws where `FLAGS_FILE` names a file that is not there: everything would be off, and nobody would have meant it. */
export async function openFlags(
  { unleash, flagsFile, dataDir }: Config,
  logger: Logger,
  audit: Pick<Audit, 'count'>,
): Promise<Flags> {
  const listener = {
    onProblem: (problem: string) => logger.warn({ problem }, 'the flags have a problem'),
    onSolved: (problem: string) => logger.info({ problem }, 'the flags no longer have this problem'),
    onChange(changes: string) {
      logger.info({ changes }, 'the flags have changed')
      // who changed them is known there
      audit.count({
        who: unleash.url === undefined ? undefined : 'unleash',
        action: 'flags',
        outcome: 'ok',
        detail: changes,
      })
    },
  }
  if (flagsFile !== undefined && !existsSync(flagsFile))
    throw new Error(`FLAGS_FILE ${flagsFile} is not there: correct the path, or unset it for the flags of the program`)
  const { url } = unleash
  if (url === undefined) return openFlagsFile(flagsFile ?? DEFAULT_FLAGS, listener)
  return connectUnleash({
    ...unleash,
    ...listener,
    url,
    folder: join(dataDir, 'unleash'),
    bootstrapFile: flagsFile,
    defaultFile: DEFAULT_FLAGS,
  })
}
