import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startAlertHook } from '../support/alert-hook.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'
import { type Server, startServer } from './server-process.ts'

/** A server that is killed at a moment, or not. */
async function startMortal(folder: string, hookUrl: string, killAt?: string): Promise<Server> {
  const server = await startServer({
    folder,
    dataDir: join(folder, 'data'),
    settings: {
      CLICKHOUSE_EMBEDDED: 'off',
      ALERT_WEBHOOK_URL: `${hookUrl}/hush`,
      ...(killAt !== undefined && { KILL_AT: `${killAt}:1` }),
    },
    isQuiet: true,
  })
  if (server === undefined) throw new Error('it was killed before it answered')
  onTestFinished(server.kill)
  return server
}

const TRIP = 'mutation { tripGuard(reason: "wrong figures") { tripped } }'
const RESET = 'mutation { resetGuard(reason: "repaired") { tripped } }'

describe('an alert is told though the server is killed', () => {
  test.each([
    { at: 'alert guard_tripped raised:before', what: 'before it is journaled', told: 1, kept: false },
    { at: 'alert guard_tripped raised:after', what: 'when it was journaled', told: 1, kept: true },
    { at: 'telling guard_tripped opened:before', what: 'before somebody is told', told: 1, kept: true },
    // which nobody can know: it is told again, under the same id
    {
      at: 'telling guard_tripped opened:after',
      what: 'when somebody was told, which is not journaled yet',
      told: 2,
      kept: true,
    },
  ])('$what', async ({ at, told, kept }) => {
    const { url, taken } = await startAlertHook()
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const first = await startMortal(folder, url, at)
    await first.ask(TRIP)
    expect(await first.ended).toBeNull()
    const killedAt = Date.now()
    const second = await startMortal(folder, url)
    const openings = () => taken.filter(({ body }) => body.event === 'opened')
    await until('it to be told', () => (openings().length >= told ? true : undefined))
    // what is told later is told after everything before it
    await second.ask(RESET)
    await until('its end to be told', () => taken.find(({ body }) => body.event === 'closed'))
    expect(openings()).toHaveLength(told)
    expect(new Set(openings().map(({ key }) => key)).size).toBe(1)
    expect(Date.parse(openings()[0]?.body.alert?.openedAt as string) < killedAt).toBe(kept)
    expect(new Set(taken.map(({ body }) => body.alert?.id)).size).toBe(1)
  })

  test('when its end was journaled, which is told, too', async () => {
    const { url, taken } = await startAlertHook()
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const first = await startMortal(folder, url, 'alert guard_tripped recovered:after')
    await first.ask(TRIP)
    await until('it to be told', () => (taken.length > 0 ? true : undefined))
    await first.ask(RESET)
    expect(await first.ended).toBeNull()
    await startMortal(folder, url)
    await until('its end to be told', () => taken.find(({ body }) => body.event === 'closed'))
    expect(taken.map(({ body }) => body.event)).toEqual(['opened', 'closed'])
  })
})
