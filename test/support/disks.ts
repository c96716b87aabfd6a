// The same transcripts on another disk: other inodes, another path, another user and host.

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Database } from '../../src/clickhouse/database.ts'
import type { Grouping } from '../../src/domain/dimensions.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { TokenQuery } from '../../src/domain/token-query.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { count } from './migration-scene.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from './transcripts.ts'

export const ALL = { journal: false, transcripts: 'all' } as const
const GROUPINGS: Grouping[] = [['host'], ['user'], ['project'], ['session']]
const QUESTION: TokenQuery = { filter: {}, groupings: GROUPINGS, sessions: true, countSessions: true }

/** Three transcripts; two of them have a line that is equal in both, so that its place alone decides which one counts. */
const FILES = {
  'p/a.jsonl': [1, 2, 3].map((i) => line({ id: `msg_a_${i}`, session: 'a' })),
  'p/b.jsonl': [line({ id: 'msg_both', session: 'b' }), line({ id: 'msg_b', session: 'b' })],
  'q/c.jsonl': [line({ id: 'msg_c', session: 'c' }), line({ id: 'msg_both', session: 'c' })],
}
export const RECORDS = 7 - 1
export const GROWTH = `${line({ id: 'msg_later', session: 'a' })}\n`
export const ANN = { user: 'ann', host: 'laptop' }
export const BOB = { user: 'bob', host: 'aardvark' }

export function disk(files: Record<string, readonly string[]> = FILES) {
  const folder = makeFolder()
  writeTranscripts(folder, files)
  return diskIn(folder)
}
function diskIn(folder: string) {
  return {
    folder,
    path: (name: string) => join(folder, 'projects', name),
    /** A copy of it: every file has another number. */
    copy() {
      const other = makeFolder()
      cpSync(join(folder, 'projects'), join(other, 'projects'), { recursive: true })
      return diskIn(other)
    },
    async analysis(owner: { user: string; host: string; isLabelled?: boolean } = ANN): Promise<Analysis> {
      const analysis = analysisOf(folder, { owner })
      await analysis.refresh()
      return analysis
    },
  }
}

/** Everything that is told, in one order. */
export async function told(source: TokenSource): Promise<unknown> {
  const { answers } = await source.answer({ queries: [QUESTION], access: EVERYTHING, quality: false })
  const [answer] = answers
  const sorted = <T>(list: readonly T[] | undefined): string[] => (list ?? []).map((one) => textOf(one)).sort()
  return {
    whole: totals(answer?.whole ?? []),
    sessions: sorted(answer?.sessions),
    groups: Object.entries(answer?.groups ?? {}).map(([name, list]) => [name, sorted(list)]),
  }
}
export const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))

/** A logger, and what it was told. */
export function logged() {
  const lines: { level: number; msg: string }[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { logger: createLogger('info', sink), lines: () => lines.map(({ msg }) => msg) }
}

export const copies = (db: Database<string>) => count(db, 'copies')
export const recordsOf = async (source: TokenSource): Promise<number> =>
  ((await told(source)) as { whole: { records: number } }).whole.records
