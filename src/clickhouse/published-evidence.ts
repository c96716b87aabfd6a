import { digestVersion } from '../domain/digest-version.ts'
import { TEXT_VERSION } from '../domain/record-text.ts'
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
  ownersAreElected,
  publishedLogs,
  retiredEvidence,
  rowsStatement,
  sharedIdentities,
  tokensAddedBy,
  winnersAreElected,
} from './statements/evidence.ts'
import { readBack } from './statements/read-back.ts'

/** Batches that are read back in one statement: their texts are in memory together. */
const BATCHES_AT_ONCE = 500

/** A batch of the first release has no digest to compare with; one of a later release has one that this one cannot make. */
const isVerifiable = ({ digest }: PublishedBatch): boolean => digest !== '' && digestVersion(digest) <= TEXT_VERSION

export function createPublishedEvidence(db: Database): PublishedEvidence {
  const damagedOf = async (published: readonly PublishedBatch[]): Promise<DamagedBatch[]> => {
    const damaged: DamagedBatch[] = []
    const byVersion = Map.groupBy(published.filter(isVerifiable), ({ digest }) => digestVersion(digest))
    for (const [version, batches] of byVersion) {
      for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE) {
        const some = batches.slice(at, at + BATCHES_AT_ONCE)
        const rows = await db.query(readBack(version), { batches: some.map(({ batch }) => batch) })
        const found = new Map(rows.map((row) => [row.batch, row]))
        for (const { batch, log, records, digest, firstPosition = 0, lastPosition = 0 } of some) {
          const held = found.get(batch)
          if (held?.digest === digest && held.records === records) continue
          damaged.push({ batch, log, firstPosition, lastPosition, records, found: held?.records ?? 0 })
        }
      }
    }
    return damaged.sort((a, b) => a.batch - b.batch)
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
    async tokensAddedBy(logs, access, without) {
      if (logs.length === 0) return 0n
      return withExcluded(db, without, async (left) => {
        const { statement, params } = tokensAddedBy(access, left)
        return (await db.query(statement, { ...params, logs }))[0]?.tokens ?? 0n
      })
    },
    batches: () => db.query(evidence),
    async copies(batches) {
      const found = new Map<number, RecordCopy[]>()
      for (const { batch, record } of await db.query(copiesOfBatches, { batches })) {
        const list = found.get(batch)
        if (list === undefined) found.set(batch, [record])
        else list.push(record)
      }
      return found
    },
    damaged: async () => damagedOf(await db.query(evidence)),
    async unverified(logs) {
      const batches = (await db.query(evidence)).filter(({ log }) => logs.includes(log))
      const damaged = new Set((await damagedOf(batches)).map(({ log }) => log))
      return logs.filter(
        (name) => damaged.has(name) || batches.some((batch) => batch.log === name && !isVerifiable(batch)),
      )
    },
    retired: () => db.query(retiredEvidence),
    async intact(batches) {
      const damaged = new Set((await damagedOf(batches)).map(({ batch }) => batch))
      return batches.filter((batch) => isVerifiable(batch) && !damaged.has(batch.batch))
    },
    stock: () => db.query(logStock),
    async countedWithoutCopy(logs) {
      if (logs.length === 0) return 0
      return (await db.query(countedWithoutCopy, { logs }))[0]?.records ?? 0
    },
    ...electedWinners(db),
  }
}

/** Whether what readers count is what follows from the copies. */
const electedWinners = (
  db: Database,
): Pick<PublishedEvidence, 'hasFewerWinners' | 'ownersDiffer' | 'winnersDiffer'> => ({
  async hasFewerWinners() {
    const [counts] = await db.query(identityCounts)
    return counts !== undefined && counts.counted < counts.published
  },
  async ownersDiffer() {
    const [row] = await db.query(ownersAreElected)
    return row?.same !== 1
  },
  async winnersDiffer() {
    const slices = await sliceCount(db)
    for (let slice = 0; slice < slices; slice++) {
      const [row] = await db.query(winnersAreElected, { slices, slice })
      if (row?.same !== 1) return true
    }
    return false
  },
})
