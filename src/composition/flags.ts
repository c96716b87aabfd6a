import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { Flags } from '../ports/flags.ts'
import { openFlagsFile } from '../unleash/flags-file.ts'
import { connectUnleash } from '../unleash/unleash-flags.ts'

/** The flags that come with the program. */
const DEFAULT_FLAGS = fileURLToPath(new URL('../../flags/default.json', import.meta.url))

export function openFlags({ unleash, flagsFile, dataDir }: Config, logger: Logger): Promise<Flags> {
  const listener = {
    onProblem: (problem: string) => logger.warn({ problem }, 'the flags have a problem'),
    onSolved: (problem: string) => logger.info({ problem }, 'the flags no longer have this problem'),
  }
  const { url } = unleash
  if (url === undefined) return openFlagsFile(flagsFile ?? DEFAULT_FLAGS, listener)
  return connectUnleash({
    ...unleash,
    ...listener,
    url,
    folder: join(dataDir, 'unleash'),
    bootstrapFile: flagsFile,
    defaultFile: DEFAULT_FLAGS,
    onChange: () => logger.info('the flags have changed'),
  })
}
