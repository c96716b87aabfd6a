import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startClickHouse } from '../../scripts/clickhouse-server.ts'
import { until } from '../support/until.ts'

/** More than a disk is full for. */
const STARTS_WITHIN_SECONDS = 60

/** A real ClickHouse server that is killed, too. */
export interface MortalClickHouse {
  /** How a bridge is pointed at it. */
  settings: Record<string, string>
  /** Kills it after so many milliseconds, and starts it again at the same address, over the same data. */
  crashAfter(ms: number): Promise<void>
  crashes(): number
  stop(): Promise<void>
}

export async function startMortalClickHouse(folder: string, keepAliveSeconds?: number): Promise<MortalClickHouse> {
  const user = { name: 'bridge', password: 'secret of the bridge' }
  const start = (port: number): ReturnType<typeof startClickHouse> =>
    startClickHouse({ folder, port, users: [user], keepAliveSeconds }).catch((error: Error) => {
      takeAwayEmptyTable(folder, error)
      return start(port)
    })
  let server = await start(0)
  const { url } = server
  let crashes = 0
  let crash = Promise.resolve()
  const crashAfter = async (ms: number): Promise<void> => {
    await sleep(ms)
    await server.stop()
    crashes++
    let why = ''
    const again = () =>
      start(Number(new URL(url).port)).catch((error: Error) => {
        why = error.message
        return undefined
      })
    // one whose disk is full may start only when there is room
    server = await until('the ClickHouse server', again, STARTS_WITHIN_SECONDS).catch(() => {
      throw new Error(`the ClickHouse server does not start any more: ${why}`)
    })
  }
  return {
    settings: { CLICKHOUSE_URL: url, CLICKHOUSE_USER: user.name, CLICKHOUSE_PASSWORD: user.password },
    crashes: () => crashes,
    // one after the other
    crashAfter: (ms) => (crash = crash.catch(() => undefined).then(() => crashAfter(ms))),
    async stop() {
      // one that is being started again is stopped, too
      await crash.catch(() => undefined)
      await server.stop()
    },
  }
}

/**
 * A ClickHouse that is killed while it makes a table on a full disk leaves an empty file, for which it does not start any
 * more. Whoever operates it takes that away (docs/runbooks/alerts.md). Throws the error where it says something else.
 */
function takeAwayEmptyTable(folder: string, error: Error): void {
  const [, name] = /metadata file (store\/\S+\.sql)/.exec(error.message) ?? []
  if (name === undefined || statSync(join(folder, name)).size > 0) throw error
  rmSync(join(folder, name))
}
