import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BridgeError, isBridgeError } from '../../src/domain/errors.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import { openAnalysis } from '../../src/enhanced-analysis/analysis.ts'
import { createAnalysisService } from '../../src/enhanced-analysis/service/analysis-service.ts'
import type { AnalysisService, ServiceListeners } from '../../src/enhanced-analysis/service/calls.ts'
import {
  type LegacySource,
  type LegacySourceOptions,
  startLegacySource,
} from '../../src/enhanced-analysis/service/legacy-source.ts'
import type { JournaledRange } from '../../src/enhanced-analysis/table/journal-update.ts'
import type { ThreadOptions } from '../../src/enhanced-analysis/thread/messages.ts'
import { startAnalysisThread } from '../../src/enhanced-analysis/thread/start-thread.ts'
import { formatError } from '../../src/graphql/errors.ts'
import type { LogRange, LogState } from '../../src/ports/logs.ts'
import type { SourceRequest } from '../../src/ports/token-source.ts'
import { HOURS } from '../support/bucketed.ts'
import { line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

type Start = (options: ThreadOptions, listeners: ServiceListeners) => AnalysisService

/** The analysis as a service in this thread. */
const startHere: Start = ({ rescanIntervalMs, ...options }, listeners) =>
  createAnalysisService({ open: (how) => openAnalysis({ ...options, ...how }), rescanIntervalMs }, listeners)

/** Entries of the journal with 1000 records each, from the one of this number on. */
function ranges(count: number, first = 0): JournaledRange[] {
  return Array.from({ length: count }, (_, i) => {
    const from = (first + i) * 1000
    return {
      segment: 's',
      to: from + 1000,
      records: Array.from({ length: 1000 }, (_, j): RecordCopy => {
        const n = from + j
        return {
          identity: createHash('md5').update(String(n)).digest('hex'),
          time: Date.UTC(2026, 3, 2) + n * 60_000,
          session: `session-${n % 300}`,
          model: `model-${n % 7}`,
          project: `project-${n % 5}`,
          user: 'ann',
          host: 'laptop',
          branch: '',
          path: 'x',
          input: n % 1000,
          output: 1,
          cacheRead: 0,
          cacheCreation5m: 0,
          cacheCreation1h: 0,
          sidechain: false,
          byMutation: true,
          position: n,
          offset: n,
        }
      }),
    }
  })
}

/** Everything that a dashboard shows, for some filters that select all. */
const view = (filters: number): SourceRequest => ({
  queries: Array.from({ length: filters }, (_, from) => ({
    filter: { from },
    groupings: [['project'], ['user'], [HOURS]],
    sessions: true,
  })),
  quality: false,
})

const WHOLE = { queries: [{ filter: {}, groupings: [] }], quality: true }

describe.each<[string, Start]>([
  ['in a thread of its own', startAnalysisThread],
  ['in this thread', startHere],
])('the analysis %s', (_where, startService) => {
  function start(
    folder: string,
    more: Partial<Omit<LegacySourceOptions, 'start'>> & { indexPath?: string } = {},
  ): LegacySource {
    const { indexPath = join(folder, 'data', 'x.idx'), ...rest } = more
    const roots = [{ path: join(folder, 'projects'), user: 'ann', host: 'laptop' }]
    const source = startLegacySource({
      start: (listeners) => startService({ roots, indexPath, scanThreads: 2, rescanIntervalMs: 500 }, listeners),
      roots,
      scanThreads: 2,
      async readJournal() {},
      ...rest,
    })
    onTestFinished(() => source.close())
    return source
  }

  test('refuses questions until the first analysis is done, saying how far it is', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const source = start(folder)
    await expect(source.answer(WHOLE)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
    expect(source.health().state).toBe('DOWN')
    await source.whenReady()
    const { answers, quality, sample } = await source.answer(WHOLE)
    expect(totals(answers[0]?.whole ?? [])).toMatchObject({ records: 1 })
    expect(quality).toMatchObject({ duplicateLines: 0n, unshippedBytes: BigInt(line().length + 1) })
    expect(sample).toBe(false)
    expect(source.health()).toEqual({ state: 'UP', detail: '1 transcripts' })
  })

  test('does not say that all is published before it has looked at what there is', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const said: string[] = []
    const source = start(folder, {
      onStatus: ({ ready, unshippedBytes }) =>
        void said.push(`${ready ? 'ready' : 'looking'}, ${unshippedBytes} bytes, ${source.isAllPublished()}`),
    })
    expect(source.isAllPublished()).toBe(false)
    await source.whenReady()
    expect(said).toContain('looking, 0 bytes, false')
    expect(said.filter((one) => one.endsWith('true'))).toEqual([])
  })

  test('refuses at once what is more than it holds for one caller, and nobody else pays for it', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const source = start(folder)
    await source.whenReady()
    const asked = Array.from({ length: 150 }, () => source.answer(WHOLE, 'ann'))
    const others = source.answer(WHOLE, 'bob')
    const results = await Promise.allSettled(asked)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(50)
    expect(refused[0]?.reason).toMatchObject({ code: 'OVERLOADED', retryable: true })
    await expect(others).resolves.toBeDefined()
    await expect(source.answer(WHOLE, 'ann')).resolves.toBeDefined()
  })

  test('answers a short question before a long one of another caller that was asked first', async () => {
    const source = start(makeFolder(), { readJournal: async (add) => ranges(60).forEach(add) })
    await source.whenReady()
    const order: string[] = []
    const long = source.answer(view(5), 'ann').then(() => order.push('long'))
    const short = source.answer({ queries: [{ filter: {}, groupings: [] }], quality: false }, 'bob')
    await Promise.all([long, short.then(() => order.push('short'))])
    expect(order).toEqual(['short', 'long'])
  })

  test('says that a question is too expensive where it would keep everybody waiting, but never of a view of five filters', async () => {
    const source = start(makeFolder(), { readJournal: async (add) => ranges(100).forEach(add) })
    await source.whenReady()
    await expect(source.answer(view(20), 'ann')).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' })
    const { answers } = await source.answer(view(5), 'ann')
    expect(answers.map(({ whole }) => totals(whole).records)).toEqual([1, 2, 3, 4, 5].map(() => 100_000))
  })

  test('says that no more may come in where too much waits to be counted, in its thread or for one that starts', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const journal: JournaledRange[] = []
    let reading: Promise<void> | undefined
    let starts = 0
    const source = start(folder, {
      async readJournal(add) {
        starts++
        const written = journal.slice()
        await reading
        for (const range of written) add(range)
      },
    })
    await source.whenReady()
    expect(source.hasRoom()).toBe(true)
    /** Adds until there is no room. */
    const fill = (): void => {
      for (const range of ranges(500, journal.length)) {
        if (!source.hasRoom()) break
        journal.push(range)
        source.addJournaled(range)
      }
      expect(source.hasRoom()).toBe(false)
    }
    fill()
    await until('room', () => source.hasRoom() || undefined)
    // a thread that starts reads the journal first
    const { promise, resolve } = Promise.withResolvers<void>()
    reading = promise
    source.addJournaled(undefined as never)
    await until('the next thread', () => starts === 2 || undefined)
    expect(source.hasRoom()).toBe(true)
    fill()
    resolve()
    await until('room', () => source.hasRoom() || undefined)
    await source.whenReady()
    await until('all to be counted', async () => {
      const { answers } = await source.answer(WHOLE).catch(() => ({ answers: [] }))
      return totals(answers[0]?.whole ?? []).records === journal.length * 1000 + 1 || undefined
    })
  })

  test('every answer is of one moment, with all that was journaled before it was asked for', async () => {
    const source = start(makeFolder(), { readJournal: async (add) => ranges(10).forEach(add) })
    await source.whenReady()
    let added = 10
    const checks: Promise<void>[] = []
    for (const range of ranges(12, 10)) {
      source.addJournaled(range)
      const atLeast = ++added * 1000
      for (const [caller, filters] of [
        ['ann', 3],
        ['bob', 1],
      ] as const)
        checks.push(
          source.answer(view(filters), caller).then(({ answers }) => {
            const counts = answers.flatMap((answer) => [
              totals(answer.whole).records,
              ...[...Object.values(answer.groups), answer.sessions ?? []].map(
                (groups) => totals(groups.flatMap(({ usage }) => usage)).records,
              ),
            ])
            expect(new Set(counts).size).toBe(1)
            expect(counts[0]).toBeGreaterThanOrEqual(atLeast)
            expect((counts[0] as number) % 1000).toBe(0)
          }),
        )
      // in the middle of the questions before
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(checks)
    expect(source.status()?.journaled).toBe(added)
  })

  test('is started again when its thread dies, and tells whoever was waiting', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const crashes: Error[] = []
    const source = start(folder, { onCrash: (error) => void crashes.push(error) })
    await source.whenReady()
    const waiting = source.answer(view(5))
    // what cannot be read at all ends it
    source.addJournaled(undefined as never)
    await expect(waiting).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
    await until('the next one', () => source.status()?.ready || undefined)
    await expect(source.answer(WHOLE)).resolves.toBeDefined()
    const broken = start(folder, {
      indexPath: join(folder, 'data', 'y.idx'),
      // what no journal says ends the thread
      readJournal: async (add) => add({ segment: 'x', to: 1, records: undefined as never }),
      onCrash: (error) => void crashes.push(error),
    })
    await until('two crashes', () => (crashes.length >= 2 ? true : undefined))
    await expect(broken.answer(WHOLE)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  test('tells a mistake of its own as one, with the place where it happened, and goes on', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const bugs: Error[] = []
    const crashes: Error[] = []
    const source = start(folder, {
      onBug: (error) => void bugs.push(error),
      onCrash: (error) => void crashes.push(error),
    })
    await source.whenReady()
    const error = await source
      .answer({ queries: undefined as never, quality: false })
      .catch((thrown: unknown) => thrown)
    expect(isBridgeError(error)).toBe(false)
    expect(error).toBeInstanceOf(Error)
    const internal: unknown[] = []
    const toClient = formatError({ message: (error as Error).message }, error, {
      hideSchemaDetails: true,
      onInternal: (one) => void internal.push(one),
    })
    expect(toClient).toEqual({
      message: 'internal error',
      extensions: { code: 'INTERNAL_SERVER_ERROR', retryable: false },
    })
    expect(internal).toEqual([error])
    expect(bugs.map(({ message }) => message)).toEqual([(error as Error).message])
    expect(bugs[0]?.stack).toContain('affordable')
    await expect(source.answer(WHOLE)).resolves.toBeDefined()
    expect(crashes).toEqual([])
  })

  test('tells an error that has a code with it and its message, and nothing of it is a mistake', async () => {
    const bugs: Error[] = []
    const source = start(makeFolder(), {
      readJournal: async (add) => ranges(100).forEach(add),
      onBug: (error) => void bugs.push(error),
    })
    await source.whenReady()
    const error = await source.answer(view(20), 'ann').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BridgeError)
    expect(error).toMatchObject({ code: 'QUERY_TOO_EXPENSIVE', retryable: false })
    expect((error as Error).message).toMatch(/^100 sums over \d+ records are more than one operation may ask for/)
    expect(bugs).toEqual([])
  })

  test.each<[string, (folder: string, index: string) => void]>([
    ['its folder is a file', (folder) => writeFileSync(join(folder, 'data'), 'a file')],
    ['it is a folder', (_folder, index) => mkdirSync(index, { recursive: true })],
    [
      'it is a named pipe',
      (folder, index) => {
        mkdirSync(join(folder, 'data'))
        execFileSync('mkfifo', [index])
      },
    ],
    [
      'it is on a disk that is full',
      (folder, index) => {
        mkdirSync(join(folder, 'data'))
        symlinkSync('/dev/full', index)
      },
    ],
    ['its folder is nowhere', (folder) => symlinkSync('/nowhere/at/all', join(folder, 'data'))],
  ])('counts without the index where %s, and says why', async (_what, spoil) => {
    const folder = makeFolder()
    const index = join(folder, 'data', 'x.idx')
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    spoil(folder, index)
    const crashes: Error[] = []
    const source = start(folder, { onCrash: (error) => void crashes.push(error) })
    await source.whenReady()
    const { answers } = await source.answer(WHOLE)
    expect(totals(answers[0]?.whole ?? [])).toMatchObject({ records: 1 })
    expect(source.health()).toEqual({
      state: 'DEGRADED',
      detail: expect.stringMatching(
        /^the index cannot be used, so each start counts everything anew: .*x\.idx in it a file$/,
      ),
    })
    appendFileSync(join(folder, 'projects', 'p', 'a.jsonl'), `${line({ id: 'msg_2' })}\n`)
    await until('what was appended', async () => {
      const { answers: later } = await source.answer(WHOLE)
      return totals(later[0]?.whole ?? []).records === 2 || undefined
    })
    expect(crashes).toEqual([])
  })

  test('writes its index again after its thread died: the lock went with the thread', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const crashes: Error[] = []
    const source = start(folder, { onCrash: (error) => void crashes.push(error) })
    await source.whenReady()
    // what cannot be read at all ends the thread
    source.addJournaled(undefined as never)
    await until('the crash', () => (crashes.length > 0 ? true : undefined))
    const state = await until('the analysis', () => (source.status()?.ready ? source.status()?.indexState : undefined))
    expect(state).toBe('loaded')
  })

  test.each([
    ['a transcript', true],
    ['a segment of the journal', false],
  ])(
    'what was distrusted or set aside of %s still is when its thread died, until a later edition is told',
    async (_what, isTranscript) => {
      const folder = makeFolder()
      mkdirSync(join(folder, 'projects'), { recursive: true })
      if (isTranscript) writeTranscripts(folder, { 'p/a.jsonl': [line(), line({ id: 'msg_2' })] })
      const crashes: Error[] = []
      const source = start(folder, {
        readJournal: async (add) => void (isTranscript || ranges(2).forEach(add)),
        onCrash: (error) => void crashes.push(error),
      })
      const { logs } = source
      const dies = async (): Promise<void> => {
        const before = crashes.length
        // what cannot be read at all ends the thread
        source.addJournaled(undefined as never)
        await until('the crash', () => crashes.length > before || undefined)
        await until('the next thread', () => source.status()?.ready || undefined)
      }
      const publish = async (): Promise<LogState> => {
        const [range] = await logs.nextRanges({ journal: true, transcripts: 'all' }, 10_000)
        const { state } = range as LogRange
        await logs.update([state])
        return state
      }
      await source.whenReady()
      const [range] = await logs.nextRanges({ journal: true, transcripts: 'all' }, 10_000)
      const { key } = (range as LogRange).state
      await logs.setAside([{ key, positions: [0] }])
      const state = await publish()
      await dies()
      expect(logs.unshippedBytes()).toBe(1)
      expect(await logs.retired()).toEqual([])

      await logs.distrust([key])
      expect(await logs.retired()).toEqual([state])
      await dies()
      expect(await logs.retired()).toEqual([state])
      expect(logs.unshippedBytes()).toBeGreaterThan(100)
      // what is told of the same edition again changes nothing
      await logs.update([state])
      expect(await logs.retired()).toEqual([state])
      expect(logs.unshippedBytes()).toBeGreaterThan(100)

      await logs.update([{ ...state, edition: state.edition + 1, publishedTo: 0, records: 0 }])
      expect(await publish()).toMatchObject({ key, edition: state.edition + 1, publishedTo: state.publishedTo })
      expect(source.isAllPublished()).toBe(true)
      await dies()
      expect(await logs.retired()).toEqual([])
      expect(source.isAllPublished()).toBe(true)
    },
  )

  test('says so when a folder cannot be read, keeps what it counted, and serves no sample', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()], 'p/b.jsonl': [line({ id: 'msg_2' })] })
    // a path that is too long cannot be read even by root
    const name = 'x'.repeat(200)
    const shell = (script: string) => execFileSync('bash', ['-c', script], { cwd: folder })
    shell(`cd projects; for i in $(seq 25); do mkdir ${name}; cd ${name}; done`)
    onTestFinished(() => void shell('rm -rf projects'))
    const source = start(folder)
    await source.whenReady()
    expect(source.health()).toEqual({ state: 'DEGRADED', detail: '1 folders or files cannot be read' })
    expect(source.status()?.unreadable[0]).toContain('ENAMETOOLONG')
    expect((await source.answer(WHOLE)).sample).toBe(false)
    // what vanished elsewhere is uncounted all the same
    rmSync(join(folder, 'projects', 'p', 'b.jsonl'))
    await until('the removed file', async () =>
      totals((await source.answer(WHOLE)).answers[0]?.whole ?? []).records === 1 ? true : undefined,
    )
  })

  test('is degraded, not wrong, where a root is no folder', async () => {
    const folder = makeFolder()
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'projects'), 'a file')
    const problems: string[] = []
    const source = start(folder, { onWatchProblem: (problem) => void problems.push(problem) })
    await source.whenReady()
    await until('the problem', () => (source.health().state === 'DEGRADED' ? true : undefined))
    expect(problems).toHaveLength(1)
  })
})
