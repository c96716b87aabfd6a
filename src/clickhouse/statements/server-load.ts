import { z } from 'zod'
import type { Database } from '../database.ts'

/** How much the machine of a ClickHouse server has to do. */
export interface ServerLoad {
  /** Of the fullest disk, how much is taken, 0 to 1; `null` where it has none of its own. */
  diskShare: number | null
  /** Processor time that it has used since it started. */
  cpuSeconds: number
  /** Threads of one statement: by default its cores. */
  cores: number
}

const serverLoad = {
  name: 'server-load' as const,
  sql: `
    SELECT
      (SELECT max(1 - free_space / total_space) FROM system.disks WHERE total_space > 0) AS diskShare,
      (SELECT sum(value) / 1e6 FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds') AS cpuSeconds,
      toFloat64(getSetting('max_threads')) AS cores`,
  row: z.object({ diskShare: z.number().nullable(), cpuSeconds: z.number().nullable(), cores: z.number() }),
}

/** Beside all that it has to do. Throws where it does not answer, or its user may not know. */
export async function readServerLoad(db: Database): Promise<ServerLoad | undefined> {
  const [row] = await db.for('aside').query(serverLoad)
  return row === undefined ? undefined : { ...row, cpuSeconds: row.cpuSeconds ?? 0 }
}
