import { digestVersion } from '../domain/digest-version.ts'
import { TEXT_VERSION } from '../domain/record-text.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { DamagedBatch, PublishedBatch, PublishedEvidence } from '../ports/record-store.ts'
import type { Database } from './database.ts'
import { excludedBy } from './listed.ts'
import { identitySlices, sliceCount, slicesFor, slotRanges } from './slices.ts'
import {
  copiesOfBatches,
  countedWithoutCopy,
  evidence,
  groupsStatement,
  identityCounts,
  logStock,
  ofSeveral,
  ownersAreElected,
  publishedLogs,
  retiredEvidence,
  rowsStatement,
  sharedIdentities,
  tokensAddedBy,
  winnersAreElected,
} from './statements/evidence.ts'
import { countWinners, filledSums, sumsAreLevel, sumsAreTold } from './statements/filled-sums.ts'
import { readBack } from './statements/read-back.ts'
import { SUMS_FORM, sumsAreRight } from './statements/sums.ts'
import { hashByTime, hashOfWinners, WINNERS_BY_TIME } from './statements/winners-by-time.ts'
import { areSumsFilled } from './sums.ts'

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
    groups(logs, without) {
      const left = excludedBy(without)
      return db.query(groupsStatement(left?.sql), { ...left?.params, logs })
    },
    rows(log, day, without) {
      const left = excludedBy(without)
      return db.query(rowsStatement(left?.sql), { ...left?.params, log, day })
    },
    async tokensAddedBy(logs, access, without) {
      if (logs.length === 0) return 0n
      const { statement, params } = tokensAddedBy(access, excludedBy(without))
      return (await db.query(statement, { ...params, logs }))[0]?.tokens ?? 0n
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
    ...followingSums(db),
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
    const [several] = await db.query(ofSeveral)
    if (several?.found === false) return false
    const [row] = await db.query(ownersAreElected)
    return row?.same !== 1
  },
  async winnersDiffer() {
    for (const slice of identitySlices(await sliceCount(db))) {
      const [row] = await db.query(winnersAreElected, { ...slice })
      if (row?.same !== 1) return true
    }
    return false
  },
})

/** Winners that are read in one statement: no more than some columns of them are in memory. */
const COMPARED_AT_ONCE = 2_000_000

/** Whether what follows from the winners is what it must be. */
const followingSums = (db: Database): Pick<PublishedEvidence, 'sumsAreBehind' | 'sumsDiffer'> => ({
  async sumsAreBehind() {
    const [filled] = await db.query(filledSums)
    if (filled === undefined) return false
    const looks = [sumsAreTold, ...((await areSumsFilled(db)) ? [sumsAreLevel] : [])]
    for (const look of looks) if ((await db.query(look))[0]?.same !== 1) return true
    return filled.form !== SUMS_FORM
  },
  async sumsDiffer() {
    if (!(await areSumsFilled(db))) return null
    const [counted] = await db.query(countWinners('winners'))
    let [rows, hash] = [0n, 0n]
    for (const slice of identitySlices(slicesFor(counted?.winners ?? 0, COMPARED_AT_ONCE))) {
      const [part] = await db.query(hashOfWinners, { ...slice })
      rows += part?.rows ?? 0n
      hash += part?.hash ?? 0n
    }
    for await (const range of slotRanges(db, WINNERS_BY_TIME, COMPARED_AT_ONCE)) {
      const [part] = await db.query(hashByTime, { ...range })
      rows -= part?.rows ?? 0n
      hash -= part?.hash ?? 0n
    }
    if (rows !== 0n || BigInt.asUintN(64, hash) !== 0n) return true
    for await (const range of slotRanges(db, WINNERS_BY_TIME, COMPARED_AT_ONCE))
      if ((await db.query(sumsAreRight, { ...range }))[0]?.same !== 1) return true
    return false
  },
})
