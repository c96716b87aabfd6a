import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MOMENTS, type Moment } from '../../src/ports/moments.ts'
import { startServer } from '../support/server.ts'
import { operate } from '../support/small-history.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'
import { RUNS, SHIPPING } from './moments.ts'

/** `NAME:before` and `NAME:after` of every moment from now on, to the end of the test. */
function momentsFromNow(): Set<string> {
  const reached = new Set<string>()
  const note = (message: unknown): void => {
    const { name, when } = message as Moment
    reached.add(`${name}:${when}`)
  }
  subscribe(MOMENTS, note)
  onTestFinished(() => void unsubscribe(MOMENTS, note))
  return reached
}

const RECORD = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 1, output: 1 } }`

describe('the moments at which servers are killed', () => {
  test('are all reached by what the kill loop does: records that come in, a run, its verification, its rollback', async () => {
    const reached = momentsFromNow()
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_a' })] })
    const server = await startServer(folder, { CLICKHOUSE_EMBEDDED: 'on' })
    const done = async (mutation: string): Promise<Record<string, string>> => {
      const { data, errors } = await operate(server, mutation)
      expect(errors).toBeUndefined()
      return Object.values(data as object)[0]
    }
    const isNow = (state: string) =>
      until(`the run to be ${state}`, async () => {
        const { data } = await server.ask('{ migration { state } }', {}, ['operator'])
        return data.migration.state === state ? true : undefined
      })
    await done(`ingestTokenRecords(input: { records: [${RECORD}] }) { accepted }`)
    const { id } = await done('startMigration { id }')
    await isNow('COMPLETED')
    await done(`verifyMigration(id: "${id}") { state }`)
    // what comes by mutation after a run is in no partition of it
    await done(`rollbackMigration(id: "${id}") { state }`)
    await isNow('ROLLED_BACK')
    const all = [...SHIPPING, ...RUNS].flatMap((name) => [`${name}:before`, `${name}:after`])
    expect(all.filter((moment) => !reached.has(moment))).toEqual([])
  })
})
