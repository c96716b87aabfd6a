import type { Config } from '../config.ts'
import { BridgeError } from '../domain/errors.ts'
import { rowOf } from '../risk/indicators.ts'
import { takenOf } from './risk-measures.ts'

/** Whether the disks have room for what is to be kept. */
export interface DiskRoom {
  /** Throws STORAGE_UNAVAILABLE where one of them is fuller than it may be. */
  require(): Promise<void>
}

/** What was seen counts for so long. */
const SEEN_MS = 1000
const percent = (share: number): string => `${Math.floor(share * 100)} %`

/** Of the journal, and of the embedded database: a full one would refuse what was acknowledged. */
export function createDiskRoom({ journalDir, dataDir, clickhouse }: Config, taken = takenOf): DiskRoom {
  const isEmbedded = clickhouse.url === undefined && clickhouse.embedded
  const folders = { JOURNAL_DIR: journalDir, ...(isEmbedded && { DATA_DIR: dataDir }) }
  const line = rowOf('journal_disk').threshold ?? 1
  let seen: { at: number; problem: Promise<string | undefined> } | undefined
  const look = async (): Promise<string | undefined> => {
    for (const [name, folder] of Object.entries(folders)) {
      // a folder that cannot be looked at is told by whoever writes to it
      const share = await taken(folder).catch(() => 0)
      if (share >= line)
        return `the disk of ${name} is ${percent(share)} full: from ${percent(line)} on nothing is accepted`
    }
    return undefined
  }
  return {
    async require() {
      const now = performance.now()
      if (seen === undefined || now - seen.at >= SEEN_MS) seen = { at: now, problem: look() }
      const problem = await seen.problem
      if (problem !== undefined) throw new BridgeError('STORAGE_UNAVAILABLE', problem)
    },
  }
}
