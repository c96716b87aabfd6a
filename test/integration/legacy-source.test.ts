import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type LegacySource, startLegacySource } from '../../src/enhanced-analysis/legacy-source.ts'
import { line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

function start(folder: string, more: Partial<Parameters<typeof startLegacySource>[0]> = {}): LegacySource {
  const source = startLegacySource({
    roots: [{ path: join(folder, 'projects'), user: 'ann', host: 'laptop' }],
    indexPath: join(folder, 'data', 'x.idx'),
    scanThreads: 2,
    rescanIntervalMs: 500,
    async readJournal() {},
    ...more,
  })
  onTestFinished(() => source.close())
  return source
}

const WHOLE = { queries: [{ filter: {}, groupings: [] }], quality: true }

describe('the legacy source', () => {
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

  test('refuses at once what is more than it can hold', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const source = start(folder)
    await source.whenReady()
    const results = await Promise.allSettled(Array.from({ length: 150 }, () => source.answer(WHOLE)))
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(50)
    expect(refused[0]?.reason).toMatchObject({ code: 'OVERLOADED', retryable: true })
    await expect(source.answer(WHOLE)).resolves.toBeDefined()
  })

  test('is started again when its thread dies, and tells whoever was waiting', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const crashes: Error[] = []
    const source = start(folder, { onCrash: (error) => void crashes.push(error) })
    await source.whenReady()
    // a request that cannot be read ends the thread's handler with an error that it tells
    await expect(source.answer({ queries: undefined as never, quality: false })).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    })
    const broken = start(folder, {
      // a file stands where the folder should be
      indexPath: join(folder, 'projects', 'p', 'a.jsonl', 'x.idx'),
      onCrash: (error) => void crashes.push(error),
    })
    await until('two crashes', () => (crashes.length >= 2 ? true : undefined))
    await expect(broken.answer(WHOLE)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
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
