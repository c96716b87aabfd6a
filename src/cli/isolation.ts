import { readConfig } from '../config.ts'
import { namedValue } from '../domain/named-value.ts'
import { writeIsolated } from '../isolation-file.ts'
import { NotListeningError } from '../server-file.ts'
import { type RemoteOptions, request } from './client.ts'
import { IsolateDocument, type IsolationFieldsFragment, RejoinDocument } from './generated.ts'
import { byCommand, byServer, noteCommand } from './noting.ts'
import { printJson, printLines } from './terminal.ts'

/** Closing what is asked, and taking the access away, waits for what may not answer. */
const DEADLINE_MS = 60_000

/** `token-bridge isolate`: by the server, or where none answers on this machine for the one that is started next. */
export async function isolate({ reason, ...options }: RemoteOptions & { reason: string }): Promise<void> {
  const { dataDir } = readConfig()
  const write = (): void => writeIsolated(dataDir, { at: Date.now(), by: byCommand().who, reason })
  const done = await byServer(
    { ...options, deadlineMs: DEADLINE_MS },
    async (asked) => (await request(IsolateDocument, { reason }, asked)).isolate,
  ).catch((error: Error) => {
    // the next start is isolated all the same
    if (error instanceof NotListeningError) write()
    throw error
  })
  if (done !== undefined) return show(done, options)
  // before anything else: it is always carried out
  write()
  printLines([`no server answers: the next one that is started with ${dataDir} is isolated from its start on`])
  await noteCommand('ISOLATE', namedValue('reason', reason))
}

/** `token-bridge rejoin`: the same way back. */
export async function rejoin(options: RemoteOptions): Promise<void> {
  const done = await byServer(
    { ...options, deadlineMs: DEADLINE_MS },
    async (asked) => (await request(RejoinDocument, {}, asked)).rejoin,
  )
  if (done !== undefined) return show(done, options)
  const { dataDir } = readConfig()
  await noteCommand('REJOIN', undefined)
  writeIsolated(dataDir, undefined)
  printLines([`no server answers: the next one that is started with ${dataDir} is not isolated`])
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
