import type { CatalogueEntry, ShippableLogs } from '../../ports/logs.ts'
import type { TokenSource, UnpublishedRecords } from '../../ports/token-source.ts'
import { contentHashes, linesAt } from '../scanning/file-content.ts'
import { joined } from './answer-parts.ts'
import type { CallName, Calls } from './calls.ts'

/** Puts a call to the service. `caller` absent: the bridge itself. */
export type Ask = <Name extends CallName>(name: Name, asked: Calls[Name][0], caller?: string) => Promise<Calls[Name][1]>

/** The answers, as they are read from the service. */
export function answersThrough(ask: Ask): Pick<TokenSource, 'answer'> & UnpublishedRecords {
  return {
    answer: async (request, caller) => joined(await ask('answer', request, caller)),
    answerUnpublished: async (request, caller) => joined(await ask('answerUnpublished', request, caller)),
  }
}

/** The logs, as far as they follow from calls. `threads` is how many hash files. */
export function logsThrough(ask: Ask, threads?: number): Omit<ShippableLogs, 'unshippedBytes' | 'onChange'> {
  return {
    update: async (states) => ask('update', states),
    nextRanges: (selection, maxRecords, after) => ask('nextRanges', { selection, maxRecords, after }),
    retired: () => ask('retired', undefined),
    async catalogue() {
      const entries = await ask('catalogue', undefined)
      const hashes = await contentHashes(entries, threads)
      return entries.map((entry, i): CatalogueEntry => ({ ...entry, sha256: hashes[i] as string }))
    },
    archived: () => ask('archived', undefined),
    readable: (keys) => ask('readable', keys),
    publishedGroups: (without) => ask('publishedGroups', without),
    publishedRows: (of, without) => ask('publishedRows', { of, without }),
    async linesAt(key, positions) {
      const path = await ask('pathOf', key)
      return path === undefined ? positions.map(() => 0) : linesAt(path, positions)
    },
    distrust: (keys) => ask('distrust', keys),
    setAside: (refused) => ask('setAside', refused),
  }
}
