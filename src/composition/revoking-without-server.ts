import { type AccessChanges, createAccessChanges, type RevocationTarget } from '../access/access-changes.ts'
import { createKnownTokens } from '../access/known-tokens.ts'
import type { Config } from '../config.ts'
import { namedValue } from '../domain/named-value.ts'
import { requireFolders } from '../folders.ts'
import { openJournal } from '../journal/journal.ts'
import { loadJournalKey } from '../journal/key-file.ts'
import { journalHeadsPath, noteLostHeads } from '../lost-revocations-file.ts'
import type { Logger } from '../observability/logger.ts'
import { takeServerPlace } from '../server-file.ts'
import { openAuditSide } from './audit-side.ts'
import { instanceOf } from './instance.ts'

/** Between two attempts to read a folder that is away. */
const AGAIN_MS = 500

/**
 * Takes tokens away where no server runs: into the journal, which the next start reads before it lets anybody in, and
 * others that share it within a second. Throws where a server has the data folder.
 */
export async function revokeWithoutServer(
  config: Config,
  logger: Logger,
  { target, reason, by }: { target: RevocationTarget; reason: string; by: string },
): ReturnType<AccessChanges['revoke']> {
  requireFolders(config)
  const place = takeServerPlace(config.dataDir)
  try {
    noteLostHeads(config.dataDir)
    const key = loadJournalKey(config.dataDir, config.journalDir, config.journalKey)
    const audit = openAuditSide(config, logger)
    const known = createKnownTokens()
    const journal = openJournal({
      folder: config.journalDir,
      key,
      instance: instanceOf(config.dataDir),
      headsPath: journalHeadsPath(config.dataDir),
      followIntervalMs: AGAIN_MS,
      listener: {
        entry(entry) {
          if (entry.kind === 'machine-token' || entry.kind === 'revocation') known.learn(entry)
        },
        unreadable: () => undefined,
      },
    })
    try {
      await journal.whenRead()
      audit.log.requireRoom()
      const done = await createAccessChanges({ known, sign: undefined, keep: journal.append }).revoke(
        target,
        reason,
        by,
      )
      await audit.log.note({
        who: by,
        from: 'command line',
        action: 'mutation revokeAccess',
        outcome: 'ok',
        detail: detailOf(target, reason),
      })
      return done
    } finally {
      await journal.close()
      await audit.close()
    }
  } finally {
    place.leave()
  }
}

/** As the mutation is noted. */
const detailOf = (target: RevocationTarget, reason: string): string =>
  [...Object.entries(target), ['reason', reason]].map(([name, value]) => namedValue(name, value)).join(' ')
