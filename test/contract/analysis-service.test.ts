import { describe, expect, test } from 'vitest'
import { BridgeError, isBridgeError } from '../../src/domain/errors.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { JournaledRange } from '../../src/enhanced-analysis/table/journal-update.ts'
import { formatError } from '../../src/graphql/errors.ts'
import { ranges, SERVICES, startSource, view, WHOLE } from '../support/analysis-services.ts'
import { line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe.each(SERVICES)('the analysis %s', (_where, startService) => {
  const start = (folder: string, more: Parameters<typeof startSource>[2] = {}) =>
    startSource(startService, folder, more)

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
    expect(source.health()).toEqual({ state: 'UP', detail: '1 transcript' })
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
    const short = source.answer({ queries: [{ filter: {}, groupings: [] }], access: EVERYTHING, quality: false }, 'bob')
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
    const error = await source.answer({ ...WHOLE, access: undefined as never }).catch((thrown: unknown) => thrown)
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
    expect(bugs[0]?.stack).toContain('visibleLogs')
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
    expect((error as Error).message).toMatch(/^100 sums over all records are more than one operation may ask for/)
    expect(bugs).toEqual([])
  })
})
