import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { LogRange, LogState } from '../../src/ports/logs.ts'
import { ranges, SERVICES, startSource, view, WHOLE } from '../support/analysis-services.ts'
import { line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe.each(SERVICES)('in trouble, the analysis %s', (_where, startService) => {
  const start = (folder: string, more: Parameters<typeof startSource>[2] = {}) =>
    startSource(startService, folder, more)

  test('is started again when its thread dies, and tells whoever was waiting', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const crashes: Error[] = []
    const source = start(folder, {
      // so many that the question is not answered before the thread hears of what ends it
      readJournal: async (add) => ranges(100).forEach(add),
      onCrash: (error) => void crashes.push(error),
    })
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
