import { userInfo } from 'node:os'
import { readConfig } from '../config.ts'
import { writeIsolated } from '../isolation-file.ts'
import { findServer } from '../server-file.ts'
import { type RemoteOptions, RequestError, request } from './client.ts'
import { IsolateDocument, type IsolationFieldsFragment, RejoinDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'

/** Closing what is asked, and taking the access away, waits for what may not answer. */
const DEADLINE_MS = 60_000

/** `token-bridge isolate`: by the server, or where none answers on this machine for the one that is started next. */
export async function isolate({ reason, ...options }: RemoteOptions & { reason: string }): Promise<void> {
  const done = await byServer(options, async (asked) => (await request(IsolateDocument, { reason }, asked)).isolate)
  if (done !== undefined) return show(done, options)
  const { dataDir } = readConfig()
  writeIsolated(dataDir, { at: Date.now(), by: userInfo().username, reason })
  printLines([`no server answers: the next one that is started with ${dataDir} is isolated from its start on`])
}

/** `token-bridge rejoin`: the same way back. */
export async function rejoin(options: RemoteOptions): Promise<void> {
  const done = await byServer(options, async (asked) => (await request(RejoinDocument, {}, asked)).rejoin)
  if (done !== undefined) return show(done, options)
  const { dataDir } = readConfig()
  writeIsolated(dataDir, undefined)
  printLines([`no server answers: the next one that is started with ${dataDir} is not isolated`])
}

/** `undefined` where no server of this machine's data folder answers; one that was named must answer. */
async function byServer<T>(
  options: RemoteOptions,
  ask: (options: RemoteOptions) => Promise<T>,
): Promise<T | undefined> {
  if (options.server === undefined && findServer(readConfig().dataDir) === undefined) return undefined
  try {
    return await ask({ ...options, deadlineMs: DEADLINE_MS })
  } catch (error) {
    const isGone = error instanceof RequestError && error.code === 'UNREACHABLE' && options.server === undefined
    if (isGone) return undefined
    throw error
  }
}

function show(isolation: IsolationFieldsFragment, { json }: RemoteOptions): void {
  if (json) return void printJson(isolation)
  const { isolated, databaseAccess, sql } = isolation
  const access = {
    NONE: [],
    REVOKED: ['its access to the database was taken away: an administrator gives it back (docs/runbooks/isolate.md)'],
    KEPT: [`its user may still reach the database; an administrator takes that away by: ${sql}`],
  }[databaseAccess]
  printLines(
    isolated
      ? ['isolated: nothing is read or written but health, until token-bridge rejoin', ...access]
      : ['not isolated any more'],
  )
}
