import { appendFileSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ScanJob, type ScanSink, scanFile } from '../../../../src/enhanced-analysis/scanning/file-scan.ts'
import { decodeFileUpdate, type FileUpdate } from '../../../../src/enhanced-analysis/table/file-update.ts'
import { createReader } from '../../../../src/transcripts/claude-code/reader.ts'
import { line, makeFolder } from '../../../support/transcripts.ts'

const reader = createReader()

function jobFor(content: string): ScanJob {
  const path = join(makeFolder(), 'a.jsonl')
  writeFileSync(path, content)
  const { dev, ino } = statSync(path, { bigint: true })
  return { key: `${dev}:${ino}`, path, root: '/', relativePath: 'p/a.jsonl', from: 0 }
}

function scan(job: ScanJob, more: Partial<ScanSink> = {}) {
  const updates: FileUpdate[] = []
  const sink = {
    update: (encoded: ArrayBuffer) => void updates.push(decodeFileUpdate(encoded)),
    progress() {},
    ...more,
  }
  return { outcome: scanFile(job, reader, sink), updates }
}

describe('a file that changes while it is read', () => {
  test('and shrinks is not counted: what was read is there no more', () => {
    const job = jobFor(`${line()}\n`)
    const { outcome, updates } = scan(job, { progress: () => truncateSync(job.path, 5) })
    expect([outcome, updates]).toEqual(['changed', []])
  })

  test('and grows is counted up to the size that it had', () => {
    const job = jobFor(`${line()}\n`)
    const size = statSync(job.path).size
    const { outcome, updates } = scan(job, { progress: () => appendFileSync(job.path, `${line({ id: 'msg_2' })}\n`) })
    expect(outcome).toBe('counted')
    expect(updates).toMatchObject([{ header: { from: 0, to: size, size, copies: 1 } }])
  })

  test('and vanishes or is another one when it is opened is gone', () => {
    const job = jobFor(`${line()}\n`)
    expect(scan({ ...job, key: '0:0' }).outcome).toBe('gone')
    rmSync(job.path)
    expect(scan(job).outcome).toBe('gone')
    mkdirSync(job.path)
    expect(() => scan({ ...job, path: join(job.path, '\0') })).toThrow()
  })
})

describe('a scan', () => {
  test('of a long file hands over its winners in parts that follow each other', () => {
    const count = 20_000
    const job = jobFor(Array.from({ length: count }, (_, i) => `${line({ id: `msg_${i}` })}\n`).join(''))
    const { updates } = scan(job)
    expect(updates.length).toBeGreaterThan(1)
    let expected = 0
    for (const { header } of updates) {
      expect(header.from).toBe(expected)
      expected = header.to
    }
    expect(expected).toBe(statSync(job.path).size)
    // a part that is not the last does not claim the size of the whole
    expect(updates[0]?.header.size).toBe(updates[0]?.header.to)
    expect(updates.reduce((sum, { records }) => sum + records.length, 0)).toBe(count)
  })

  test('identifies a line that names nothing by its bytes, however long, without its line ending', () => {
    const identityOf = (content: string) => {
      const { updates } = scan(jobFor(content))
      expect(updates[0]?.records.length).toBe(1)
      return Buffer.from(updates[0]?.records.identity ?? []).toString('hex')
    }
    const nameless = (length: number, last = 'x') => line({ id: null, content: 'x'.repeat(length) + last })
    for (const length of [10, 65_000, 65_536 - 300, 200_000]) {
      const text = nameless(length)
      expect(identityOf(`${text}\n`)).toBe(identityOf(`${text}\r\n`))
      expect(identityOf(`${text}\n`)).toBe(identityOf(text))
      expect(identityOf(`${text}\n`)).not.toBe(identityOf(`${nameless(length, 'y')}\n`))
    }
    // the same at every place of a piece's border
    const base = line({ id: null, content: '' }).length
    for (let extra = -3; extra <= 3; extra++) {
      const text = nameless(65_536 - base + extra)
      expect(identityOf(`${text}\n`)).toBe(identityOf(`${text}\r\n`))
    }
  })

  test('drops a byte-order mark and keeps the offsets of the file', () => {
    const job = jobFor(`\uFEFF${line()}\n${line({ id: 'msg_2' })}\n`)
    const { updates } = scan(job)
    expect(Array.from(updates[0]?.records.offset ?? [])).toEqual([3, 3 + line().length + 1])
  })
})
