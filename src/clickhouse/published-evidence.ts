import type { RecordCopy } from '../domain/token-record.ts'
import type { DamagedBatch, PublishedBatch, PublishedEvidence } from '../ports/record-store.ts'
import type { Database } from './database.ts'
import { withExcluded } from './excluded.ts'
import { sliceCount } from './slices.ts'
import {
  copiesOfBatches,
  countedWithoutCopy,
  evidence,
  groupsStatement,
  identityCounts,
  logStock,
  publishedLogs,
  rowsStatement,
  sharedIdentities,
  tokensOnlyOf,
  winnersAreElected,
} from './statements/evidence.ts'
import { readBack } from './statements/read-back.ts'

/** Batches that are read back in one statement: their texts are in memory together. */
const BATCHES_AT_ONCE = 500

export function createPublishedEvidence(db: Database): PublishedEvidence {
  const damagedOf = async (published: readonly PublishedBatch[]): Promise<DamagedBatch[]> => {
    // a batch of a release before this one has no digest to compare with
    const batches = published.filter(({ digest }) => digest !== '')
    const damaged: DamagedBatch[] = []
    for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE) {
      const some = batches.slice(at, at + BATCHES_AT_ONCE)
      const rows = await db.query(readBack, { batches: some.map(({ batch }) => batch) })
      const found = new Map(rows.map((row) => [row.batch, row]))
      for (const { batch, log, records, digest, firstPosition = 0, lastPosition = 0 } of some) {
        const held = found.get(batch)
        if (held?.digest === digest && held.records === records) continue
        damaged.push({ batch, log, firstPosition, lastPosition, records, found: held?.records ?? 0 })
      }
    }
    return damaged
  }

  return {
    async logs() {
      return (await db.query(publishedLogs)).map(({ log }) => log)
    },
    async sharedBy(logs) {
      if (logs.length === 0) return new Uint8Array(0)
      const rows = await db.query(sharedIdentities, { logs })
      return Uint8Array.from(Buffer.from(rows.map(({ identity }) => identity).join(''), 'hex'))
    },
    groups: (logs, without) =>
      withExcluded(db, without, (left) => db.query(groupsStatement(left?.sql), { ...left?.params, logs })),
    rows: (log, day, without) =>
      withExcluded(db, without, (left) => db.query(rowsStatement(left?.sql), { ...left?.params, log, day })),
    async tokensOnlyOf(logs) {
      if (logs.length === 0) return 0n
      return (await db.query(tokensOnlyOf, { logs }))[0]?.tokens ?? 0n
    },
    batches: () => db.query(evidence),
    async copies(batches) {
      const found = new Map<number, RecordCopy[]>()
      for (const row of await db.query(copiesOfBatches, { batches })) {
        const {
          batch,
          id,
          ms,
          is_sidechain,
          is_by_mutation,
          cache_read,
          cache_creation_5m,
          cache_creation_1h,
          ...same
        } = row
        const copy: RecordCopy = {
          ...same,
          identity: id,
          time: ms,
          cacheRead: cache_read,
          cacheCreation5m: cache_creation_5m,
          cacheCreation1h: cache_creation_1h,
          sidechain: is_sidechain === 1,
          byMutation: is_by_mutation === 1,
        }
        const list = found.get(batch)
        if (list === undefined) found.set(batch, [copy])
        else list.push(copy)
      }
      return found
    },
    damaged: async () => damagedOf(await db.query(evidence)),
    async unverified(logs) {
      const batches = (await db.query(evidence)).filter(({ log }) => logs.includes(log))
      const damaged = new Set((await damagedOf(batches)).map(({ log }) => log))
      return logs.filter(
        (name) => damaged.has(name) || batches.some(({ log, digest }) => log === name && digest === ''),
      )
    },
    stock: () => db.query(logStock),
    async hasFewerWinners() {
      const [counts] = await db.query(identityCounts)
      return counts !== undefined && counts.counted < counts.published
    },
    async countedWithoutCopy(logs) {
      if (logs.length === 0) return 0
      return (await db.query(countedWithoutCopy, { logs }))[0]?.records ?? 0
    },
    async winnersDiffer() {
      const slices = await sliceCount(db)
      for (let slice = 0; slice < slices; slice++) {
        const [row] = await db.query(winnersAreElected, { slices, slice })
        if (row?.same !== 1) return true
      }
      return false
    },
  }
}
