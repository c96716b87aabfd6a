import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Running, run, start } from '../support/cli.ts'
import { AS_FIRST_PROCESS } from '../support/first-process.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const PRELOAD = new URL('./end-preload.ts', import.meta.url).href

function small(): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line()] })
  return folder
}

function serve(
  folder: string,
  fault = '',
  settings: Record<string, string> = {},
  before: readonly string[] = [],
): Running {
  const env = {
    PORT: '0',
    TRANSCRIPTS_DIR: folder,
    CLICKHOUSE_EMBEDDED: 'off',
    FAULT: fault,
    NODE_OPTIONS: `--import=${PRELOAD} --max-old-space-size=150`,
    ...settings,
  }
  return start(['serve'], folder, env, before)
}

/** What a line of the log or the output says, once it is there; fails when the server ends without it. */
async function said(server: Running, text: string): Promise<void> {
  const told = until(text, () => `${server.stdout()}${server.stderr()}`.includes(text) || undefined)
  await Promise.race([told, server.ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`)))])
}

const urlOf = (folder: string): URL =>
  new URL(JSON.parse(readFileSync(join(folder, '.token-bridge', 'server.json'), 'utf8')).url)

const isListening = (url: URL): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

const EMBEDDED = { CLICKHOUSE_EMBEDDED: 'on' }
const PLACES = [
  { where: 'a process', before: [] },
  { where: 'the first process of a container', before: AS_FIRST_PROCESS },
]

describe('a server that cannot go on is gone at once, with its engine and its port', () => {
  describe.each(PLACES)('as $where', ({ before }) => {
    test.each([
      { fault: 'heap', engine: 'idle' },
      { fault: 'heap', engine: 'busy' },
      { fault: 'throw', engine: 'busy' },
      { fault: 'reject', engine: 'idle' },
    ])('$fault, the engine $engine', async ({ fault, engine }) => {
      const folder = small()
      const server = serve(folder, fault, { ...EMBEDDED, ENGINE: engine }, [...before])
      // then the engine has nothing to do: it cannot do two things at once
      await said(server, 'this instance publishes to the database')
      const url = urlOf(folder)
      expect(await isListening(url)).toBe(true)
      server.tell('now')
      const { code, stderr } = await server.ended
      expect(await isListening(url)).toBe(false)
      if (fault === 'heap') return expect(stderr).toContain('JavaScript heap out of memory')
      expect(code).toBe(1)
      const fatal = stderr.split('\n').filter((text) => text.includes('"level":60'))
      expect(fatal, stderr).toHaveLength(1)
      expect(JSON.parse(fatal[0] as string)).toMatchObject({
        msg: 'an unexpected error: the process ends',
        err: { message: 'planted' },
      })
    })
  })
})

describe('a server', () => {
  test('that is killed leaves nothing that keeps the next one out, whatever its number: as in a container', async () => {
    const folder = small()
    const first = serve(folder, '', EMBEDDED, [...AS_FIRST_PROCESS])
    await said(first, 'curl ')
    first.signal('SIGKILL')
    await first.ended
    const again = serve(folder, '', EMBEDDED, [...AS_FIRST_PROCESS])
    await said(again, 'the database is open')
    await until('it to publish again', async () => {
      const { stdout } = await run(['health', '--json'], folder)
      return JSON.parse(stdout).state === 'UP' ? true : undefined
    })
  })

  test('is refused on the data folder of another one, with one line, and the other one goes on', async () => {
    const folder = small()
    const first = serve(folder)
    await said(first, 'curl ')
    const url = urlOf(folder)
    const { code, stdout, stderr } = await run(['serve'], folder, { PORT: '0', TRANSCRIPTS_DIR: folder })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(
      new RegExp(`^token-bridge: DATA_DIR \\S+ is in use by process \\d+, which listens at ${url.origin}: .*\\n$`),
    )
    expect(urlOf(folder)).toEqual(url)
    expect(await isListening(url)).toBe(true)
  })

  test('does not start without the key of its journal', async () => {
    const folder = small()
    const first = serve(folder)
    await said(first, 'curl ')
    const records = join(folder, 'records.jsonl')
    writeFileSync(
      records,
      `${JSON.stringify({ occurredAt: '2026-04-02T09:15:03.120Z', model: 'm', project: 'p', sessionId: 's', tokens: { input: '1', output: '1' } })}\n`,
    )
    expect(await run(['ingest', records], folder)).toMatchObject({ code: 0 })
    first.signal('SIGTERM')
    await first.ended
    const data = join(folder, '.token-bridge')
    renameSync(join(data, 'journal-key'), join(data, 'kept'))
    const { code, stderr } = await serve(folder).ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^token-bridge: \S+journal-key is missing: in \S+ there is 1 segment [^\n]+\n$/)
    expect(readdirSync(data)).not.toContain('journal-key')
    renameSync(join(data, 'kept'), join(data, 'journal-key'))
    await said(serve(folder), 'curl ')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'that is told to end while it starts does so when it has: %s',
    async (signal) => {
      const folder = small()
      const server = serve(folder, 'late')
      await said(server, 'not listening yet')
      server.signal(signal)
      await said(server, 'shutting down')
      server.tell('listen')
      const { code, stdout } = await server.ended
      expect([code, stdout]).toEqual([0, ''])
      expect(readdirSync(join(folder, '.token-bridge'))).not.toContain('server.json')
    },
  )

  test.each(['late', 'hang'])('that is told a second time ends at once: %s', async (fault) => {
    const server = serve(small(), fault, { SHUTDOWN_DEADLINE_MS: '600000' })
    await said(server, fault === 'late' ? 'not listening yet' : 'curl ')
    server.signal('SIGTERM')
    await said(server, fault === 'late' ? 'shutting down' : 'never closed')
    server.signal('SIGINT')
    expect(await server.ended).toMatchObject({ code: 1 })
  })

  test('whose shutdown hangs ends all the same, and says so', async () => {
    const folder = small()
    const server = serve(folder, 'hang', { SHUTDOWN_DEADLINE_MS: '0' })
    await said(server, 'curl ')
    server.signal('SIGTERM')
    const { code, stderr } = await server.ended
    expect(code).toBe(1)
    expect(stderr).toContain('the shutdown hangs: the process ends without it')
  })
})
