import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { verifyAudit } from '../../../src/audit/verify.ts'
import { filesOf, linesOf, open, verdictOf, written } from '../../support/audit-folder.ts'
import { makeFolder } from '../../support/transcripts.ts'

/** Every file of a folder, put back after each change. */
function changing(folder: string) {
  const kept = new Map(readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name))]))
  const restore = () => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    for (const [path, bytes] of kept) writeFileSync(path, bytes)
  }
  return {
    kept,
    problemAfter(change: () => void) {
      change()
      const { problem } = verdictOf(folder)
      restore()
      return problem
    },
    problemWith(path: string, bytes: Buffer) {
      writeFileSync(path, bytes)
      const { problem } = verdictOf(folder)
      writeFileSync(path, kept.get(path) as Buffer)
      return problem
    },
  }
}

function keepLines(path: string, count: number): void {
  const lines = readFileSync(path, 'utf8').split(/(?<=\n)/)
  writeFileSync(path, lines.slice(0, count).join(''))
}

describe('an audit log', () => {
  test('is lines of JSON, each with what was done, and whole', async () => {
    const folder = makeFolder()
    const log = open(folder, { now: () => Date.UTC(2026, 3, 2) })
    await log.note({ who: 'ann', action: 'mutation x', outcome: 'FORBIDDEN', detail: 'id=\u202e1', from: '10.0.0.1' })
    await log.close()
    const [begun, entry] = linesOf(folder)
    expect(begun).toMatchObject({ position: 0, action: 'audit begun' })
    expect(entry).toEqual({
      position: 1,
      at: '2026-04-02T00:00:00.000Z',
      who: 'ann',
      action: 'mutation x',
      outcome: 'FORBIDDEN',
      detail: 'id=\ufffd1',
      from: '10.0.0.1',
      after: begun.hmac.slice(0, 32),
      hmac: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(verdictOf(folder)).toMatchObject({ problem: undefined, entries: 2, files: 1 })
  })

  test('is not what was written where any byte of it, or of its head, is another one', async () => {
    const folder = await written(6, { maxFileBytes: 500 })
    const { kept, problemWith } = changing(folder)
    expect(kept.size).toBeGreaterThan(3)
    for (const [path, bytes] of kept)
      for (let at = 0; at < bytes.length; at++) {
        const edited = Buffer.from(bytes)
        edited[at] = (bytes[at] as number) ^ (1 << (at % 8))
        expect(problemWith(path, edited), `${path} ${at}`).toBeDefined()
      }
  })

  test('is not whole where an entry was removed, moved or added, or its end was cut, anywhere', async () => {
    const folder = await written(6, { maxFileBytes: 500 })
    const { kept, problemAfter } = changing(folder)
    for (const [path, bytes] of kept) {
      if (!path.endsWith('.jsonl')) continue
      for (let to = 0; to < bytes.length; to++)
        expect(
          problemAfter(() => truncateSync(path, to)),
          `cut at ${to}`,
        ).toBeDefined()
      const lines = bytes.toString().split(/(?<=\n)/)
      for (let i = 0; i < lines.length; i++) {
        const without = lines.toSpliced(i, 1)
        expect(problemAfter(() => writeFileSync(path, without.join('')))).toMatch(/missing|no entry/)
        for (let j = 0; j < lines.length; j++) {
          const added = lines.toSpliced(j, 0, lines[i] as string)
          expect(problemAfter(() => writeFileSync(path, added.join('')))).toBeDefined()
          const swapped = without.toSpliced(j, 0, lines[i] as string)
          if (i !== j) expect(problemAfter(() => writeFileSync(path, swapped.join('')))).toBeDefined()
        }
      }
      expect(problemAfter(() => rmSync(path))).toMatch(/missing/)
      expect(problemAfter(() => renameSync(path, join(folder, '000000000000099.jsonl')))).toBeDefined()
      expect(problemAfter(() => appendFileSync(path, '\n'))).toMatch(/no entry/)
      expect(problemAfter(() => appendFileSync(path, '{'))).toMatch(/no whole entry/)
    }
  })

  test('names the first entry that is wrong', async () => {
    const folder = await written(5)
    const [path] = filesOf(folder) as [string]
    const lines = readFileSync(path, 'utf8').split(/(?<=\n)/)
    writeFileSync(path, lines.map((line) => line.replace('user 2', 'user 3').replace('user 4', 'user 5')).join(''))
    expect(verdictOf(folder).problem).toBe('000000000000000.jsonl, line 4 (position 3) is not what was written there')
    writeFileSync(path, lines.toSpliced(2, 1).join(''))
    expect(verdictOf(folder).problem).toMatch(/^the entry 2 is missing before 000000000000000.jsonl, line 3:/)
    writeFileSync(path, lines.slice(0, 3).join(''))
    expect(verdictOf(folder).problem).toBe('the entries 3 to 5 are missing at the end: cut off')
  })

  test('that was put back to how it was, its head included, is found by a head that was kept elsewhere', async () => {
    const folder = await written(3)
    const before = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))
    const log = open(folder)
    await log.note({ action: 'mutation later', outcome: 'ok' })
    await log.close()
    const { head } = verdictOf(folder)
    expect(verdictOf(folder, head).problem).toBeUndefined()
    for (const [name, bytes] of before) writeFileSync(join(folder, name), bytes)
    expect(verdictOf(folder).problem).toBeUndefined()
    expect(verdictOf(folder, head).problem).toBe('the entry 4 is missing at the end: cut off')
    const again = open(folder)
    await again.note({ action: 'mutation other', outcome: 'ok' })
    await again.close()
    expect(verdictOf(folder, head).problem).toMatch(/the chain was written anew/)
  })

  test('goes on over starts and files, and stays whole', async () => {
    const folder = await written(4, { maxFileBytes: 600 })
    const log = open(folder, { maxFileBytes: 600 })
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.note({ action: `mutation ${i}`, outcome: 'ok' })))
    await log.close()
    expect(verdictOf(folder)).toMatchObject({ problem: undefined, entries: 25 })
    expect(linesOf(folder).map(({ position }) => position)).toEqual(Array.from({ length: 25 }, (_, i) => i))
  })

  test('whose oldest files went, because there are too many, is whole; where somebody else takes one away it is not', async () => {
    const folder = await written(40, { maxFileBytes: 600, maxBytes: 3000 })
    const bytes = filesOf(folder).reduce((sum, path) => sum + statSync(path).size, 0)
    expect(bytes).toBeLessThan(4500)
    expect(verdictOf(folder).problem).toBeUndefined()
    expect(linesOf(folder)[0].position).toBeGreaterThan(10)
    rmSync(filesOf(folder)[0] as string)
    expect(verdictOf(folder).problem).toMatch(/^the entries 0 to \d+ are missing: the chain does not say so$/)
  })

  test('of a process that was killed between an entry and its head is whole', async () => {
    const folder = await written(2)
    const head = readFileSync(join(folder, 'head.json'))
    const log = open(folder)
    await log.note({ action: 'mutation last', outcome: 'ok' })
    await log.close()
    writeFileSync(join(folder, 'head.json'), head)
    expect(verdictOf(folder).problem).toBeUndefined()
    const again = open(folder)
    await again.note({ action: 'mutation next', outcome: 'ok' })
    await again.close()
    expect(again.damage()).toBeUndefined()
    expect(verdictOf(folder)).toMatchObject({ problem: undefined, entries: 5 })
  })

  test('whose last entry was not written to its end takes it off at the next start, and says so', async () => {
    const folder = await written(2)
    appendFileSync(filesOf(folder)[0] as string, '{"position":3,"at":"2026')
    const log = open(folder)
    await log.close()
    expect(linesOf(folder).at(-1)).toMatchObject({ position: 3, action: 'audit unfinished' })
    expect(verdictOf(folder).problem).toBeUndefined()
  })

  test('whose end was cut off while no server ran says so for good', async () => {
    const folder = await written(4)
    const [path] = filesOf(folder) as [string]
    keepLines(path, 3)
    const log = open(folder)
    expect(log.damage()).toBe('its head was at 4, its files ended at 2')
    await log.note({ action: 'mutation later', outcome: 'ok' })
    await log.close()
    expect(verdictOf(folder).problem).toMatch(/^the entries 3 to 4 are missing before/)
  })

  test('whose head was taken away with its end says so for good', async () => {
    const folder = await written(4)
    const [path] = filesOf(folder) as [string]
    keepLines(path, 3)
    rmSync(join(folder, 'head.json'))
    await open(folder).close()
    expect(verdictOf(folder).problem).toMatch(/says that the audit log was damaged: its head was missing/)
  })

  test('that was removed while it is written goes on, and lacks what was removed', async () => {
    const folder = await written(2)
    const log = open(folder)
    await log.note({ action: 'mutation a', outcome: 'ok' })
    rmSync(filesOf(folder)[0] as string)
    await expect(log.note({ action: 'mutation b', outcome: 'ok' })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    })
    await log.note({ action: 'mutation c', outcome: 'ok' })
    await log.close()
    expect(linesOf(folder).map(({ action }) => action)).toEqual(['mutation b', 'mutation c'])
    expect(verdictOf(folder).problem).toMatch(/^the entries 0 to 3 are missing/)
  })

  test('that cannot be written refuses what must be noted, and notes it when it can', async () => {
    const folder = await written(1)
    renameSync(folder, `${folder}.away`)
    writeFileSync(folder, 'no folder')
    expect(() => open(folder)).toThrow()
    rmSync(folder)
    renameSync(`${folder}.away`, folder)
    const log = open(folder)
    renameSync(folder, `${folder}.away`)
    await expect(log.note({ action: 'mutation a', outcome: 'ok' })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    })
    expect(() => log.requireRoom()).toThrow('the audit log cannot be written')
    renameSync(`${folder}.away`, folder)
    await log.note({ action: 'mutation b', outcome: 'ok' })
    expect(() => log.requireRoom()).not.toThrow()
    await log.close()
    expect(linesOf(folder).map(({ action }) => action)).toEqual([
      'audit begun',
      'mutation something',
      'mutation a',
      'mutation b',
    ])
    expect(verdictOf(folder).problem).toBeUndefined()
  })

  test('of another key is not gone on with', async () => {
    const folder = await written(1)
    expect(() => open(folder, { key: Buffer.alloc(32, 8) })).toThrow(/was written with another key/)
    expect(verifyAudit(folder, Buffer.alloc(32, 8)).problem).toMatch(/is not what was written there/)
  })

  test('counts what is alike within a second as one entry, and no more kinds than it can keep', async () => {
    const folder = makeFolder()
    const log = open(folder)
    for (let i = 0; i < 50; i++) log.count({ who: 'ann', action: 'query Days', outcome: 'ok' })
    for (let i = 0; i < 50; i++) log.count({ who: 'eve', action: `query Q${i}`, outcome: 'ok' })
    for (let i = 0; i < 5000; i++) log.count({ action: 'token', outcome: 'UNAUTHENTICATED', from: `address ${i}` })
    await log.close()
    const lines = linesOf(folder)
    expect(lines.find(({ action }) => action === 'query Days')).toMatchObject({ who: 'ann', count: 50 })
    expect(lines.find(({ who, action }) => who === 'eve' && action === 'others')).toMatchObject({ count: 30 })
    expect(lines.length).toBeLessThan(1100)
    expect(lines.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(5101)
  })
})
