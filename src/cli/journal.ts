import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { count } from '../domain/counted.ts'
import { inspectJournal, type SegmentReport } from '../journal/inspection.ts'
import { keyIds } from '../journal/key.ts'
import { loadJournalKey, rotateOwnKey } from '../journal/key-file.ts'
import { firstKeyIds } from '../journal/segments.ts'
import { instancesIn } from '../journal/told-heads.ts'
import { journalHeadsPath } from '../lost-revocations-file.ts'
import { noteCommand } from './noting.ts'
import { printJson, printLines } from './terminal.ts'

interface Options {
  json?: boolean
  token?: string
}

/** `token-bridge journal status`: the segments in `JOURNAL_DIR`. Exit code 1 where something is damaged. */
export async function showJournal(options: Options): Promise<void> {
  const { folder, keys, segments } = await inspect()
  if (options.json) return void printJson({ folder, keys, segments })
  const [current, ...others] = keys
  printLines([
    `${folder}: ${count(
      sum(segments, ({ entries }) => entries),
      'entry',
    )} with ${count(
      sum(segments, ({ records }) => records),
      'record',
    )} in ${count(segments.length, 'segment')}, ${count(
      sum(segments, ({ bytes }) => bytes),
      'byte',
    )}`,
    current === undefined
      ? 'nothing was written here yet: the first start of the server makes its key'
      : `encrypts with the key ${current}${others.length === 0 ? '' : `, decrypts with ${others.join(', ')}, too`}`,
    ...segments.map(
      ({ segment, bytes, entries, records, keyId, damaged }) =>
        `${segment}  ${count(bytes, 'byte')}  ${count(entries, 'entry')}  ${count(records, 'record')}  key ${keyId ?? 'unknown'}  ${damaged.length === 0 ? 'whole' : `damaged: ${count(damaged.length, 'place')}`}`,
    ),
  ])
}

/** `token-bridge journal check`: every place that is damaged. Exit code 1 where there is one. */
export async function checkJournal(options: Options): Promise<void> {
  const { folder, segments } = await inspect()
  const damaged = segments.flatMap(({ segment, damaged }) => damaged.map((place) => ({ segment, ...place })))
  if (options.json) return void printJson({ folder, damaged })
  printLines(damaged.map(({ segment, from, to, reason }) => `${segment}, bytes ${from} to ${to}: ${reason}`))
  const torn = sum(segments, ({ unfinishedBytes }) => unfinishedBytes)
  const left =
    torn === 0 ? '' : `; ${count(torn, 'byte')} at the ends are no whole entry: nobody was told that they are kept`
  printLines([`${folder}: ${count(segments.length, 'segment')}, ${count(damaged.length, 'damaged place')}${left}`])
}

async function inspect(): Promise<{ folder: string; keys: string[]; segments: SegmentReport[] }> {
  const { dataDir, journalDir: folder, journalKey } = readConfig()
  const headsPath = journalHeadsPath(dataDir)
  // whoever only looks makes no key
  if (firstKeyIds(folder).size === 0 && !existsSync(headsPath)) return { folder, keys: [], segments: [] }
  const key = loadJournalKey(dataDir, folder, journalKey)
  const segments = existsSync(folder) ? await inspectJournal(folder, key, headsPath) : []
  if (segments.some(({ damaged }) => damaged.length > 0)) process.exitCode = 1
  return { folder, keys: keyIds(key), segments }
}

const sum = (segments: readonly SegmentReport[], count: (segment: SegmentReport) => number): number =>
  segments.reduce((total, segment) => total + count(segment), 0)

const RUNBOOK = 'docs/runbooks/journal-key.md'

/**
 * `token-bridge journal rotate-key`: the next start of the server writes with a new key. A key that is given to several
 * instances must be known to all before one of them writes with it, which nobody can do for them from here.
 */
export async function rotateJournalKey(options: Options): Promise<void> {
  const { dataDir, journalDir, journalKey } = readConfig()
  if (journalKey !== undefined)
    throw new Error(`the key is given by JOURNAL_KEY or JOURNAL_KEY_FILE: ${RUNBOOK} says how it is rotated there`)
  const own = readText(join(dataDir, 'instance'))
  const others = instancesIn(journalDir).filter((instance) => instance !== own)
  if (others.length > 0)
    throw new Error(
      `others write to ${journalDir}, too (${others.join(', ')}), and could not read what is written with a new key: ${RUNBOOK}`,
    )
  const keyId = rotateOwnKey(dataDir)
  const { token } = options
  await noteCommand('ROTATE_KEY', `keyId=${keyId}`, token === undefined ? {} : { token }).catch((error: Error) => {
    throw new Error(`the new key is ${keyId}, and the audit log does not say so: ${error.message}`, { cause: error })
  })
  if (options.json) return void printJson({ keyId })
  printLines([
    `the new key is ${keyId}: it is used from the next start of the server; back up ${join(dataDir, 'journal-key')}, which holds it and those of before`,
  ])
}

const readText = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
