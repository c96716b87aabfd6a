import type { DamagedBatch, PublishedEvidence } from '../ports/record-store.ts'
import type { Database } from './database.ts'
import { withExcluded } from './excluded.ts'
import { sliceCount } from './slices.ts'
import {
  evidence,
  groupsStatement,
  publishedLogs,
  rowsStatement,
  sharedIdentities,
  tokensStatement,
  winnersAreElected,
} from './statements/evidence.ts'
import { readBack } from './statements/read-back.ts'

/** Batches that are read back in one statement: their texts are in memory together. */
const BATCHES_AT_ONCE = 500

export function createPublishedEvidence(db: Database): PublishedEvidence {
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
    async tokens(logs, without) {
      if (logs.length === 0) return 0n
      const [row] = await withExcluded(db, without, (left) =>
        db.query(tokensStatement(left?.sql), { ...left?.params, logs }),
      )
      return row?.tokens ?? 0n
    },
    async damaged() {
      const batches = await db.query(evidence)
      const damaged: DamagedBatch[] = []
      for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE) {
        const some = batches.slice(at, at + BATCHES_AT_ONCE)
        const rows = await db.query(readBack, { batches: some.map(({ batch }) => batch) })
        const found = new Map(rows.map((row) => [row.batch, row]))
        for (const { batch, log, records, digest, first_position, last_position } of some) {
          const held = found.get(batch)
          if (held?.digest === digest && held.records === records) continue
          const places = { firstPosition: first_position, lastPosition: last_position }
          damaged.push({ batch, log, ...places, records, found: held?.records ?? 0 })
        }
      }
      return damaged
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
