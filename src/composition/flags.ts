import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { Audit } from '../ports/audit.ts'
import type { Flags } from '../ports/flags.ts'
import { overdueFlags } from '../rollout/flag-list.ts'
import { openFlagsFile } from '../unleash/flags-file.ts'
import { connectUnleash } from '../unleash/unleash-flags.ts'

/** The flags that come with the program. */
const DEFAULT_FLAGS = fileURLToPath(new URL('../../flags/default.json', import.meta.url))

/** Throws where `FLAGS_FILE` names a file that is not there: everything would be off, and nobody would have meant it. */
export async function openFlags(
  { unleash, flagsFile, dataDir, isProduction, transcripts }: Config,
  logger: Logger,
  audit: Pick<Audit, 'count'>,
): Promise<Flags> {
  const listener = {
    onProblem: (problem: string) => logger.warn({ problem }, 'the flags have a problem'),
    onSolved: (problem: string) => logger.info({ problem }, 'the flags no longer have this problem'),
    onImpression: (impression: { userId: string; variant: string }) =>
      logger.info(impression, 'the experiment decides for a user today'),
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
  for (const { name: flag, ...rest } of overdueFlags(Date.now()))
    logger.warn(
      { flag, ...rest },
      'a flag should be gone by now: remove it, or say until when it stays (docs/flags.md)',
    )
  const folder = join(dataDir, 'unleash')
  const kept = {
    place: { host: transcripts.host, environment: isProduction ? 'production' : 'development' },
    changesPath: join(folder, 'changes.json'),
  }
  if (flagsFile !== undefined && !existsSync(flagsFile))
    throw new Error(`FLAGS_FILE ${flagsFile} is not there: correct the path, or unset it for the flags of the program`)
  const { url } = unleash
  if (url === undefined) return openFlagsFile(flagsFile ?? DEFAULT_FLAGS, listener, kept)
  return connectUnleash({
    ...unleash,
    ...listener,
    ...kept,
    url,
    folder,
    bootstrapFile: flagsFile,
    defaultFile: DEFAULT_FLAGS,
  })
}
