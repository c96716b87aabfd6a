import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openJournalHeads } from '../../../src/journal/heads.ts'
import { makeFolder } from '../../support/transcripts.ts'

function open(path: string) {
  const heads = openJournalHeads(path)
  let isOpen = true
  const close = () => {
    if (isOpen) heads.close()
    isOpen = false
  }
  onTestFinished(close)
  return { ...heads, close }
}
const known = (path: string) => {
  const heads = open(path)
  const all = Object.fromEntries(heads.all())
  heads.close()
  return all
}

describe('how far each segment was acknowledged', () => {
  test('is known after a restart, in a file that does not grow with the entries and belongs to its owner', () => {
    const path = join(makeFolder(), 'journal-heads')
    const heads = open(path)
    heads.set('000000000000001-a', { to: 10, records: 1 })
    heads.set('999', { to: 5, records: 0 })
    const { size, mode } = statSync(path)
    expect(mode & 0o777).toBe(0o600)
    for (let i = 1; i <= 100; i++) heads.set('000000000000001-a', { to: i * 1e9, records: i * 1000 })
    expect(statSync(path).size).toBe(size)
    heads.close()
    expect(known(path)).toEqual({ '000000000000001-a': { to: 1e11, records: 100_000 }, '999': { to: 5, records: 0 } })
  })

  test('is not known of lines that were damaged or torn, and they are written anew', () => {
    const path = join(makeFolder(), 'journal-heads')
    const all = { a: { to: 1, records: 1 }, b: { to: 2, records: 2 }, c: { to: 3, records: 3 } }
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, cut) => {
        rmSync(path, { force: true })
        const heads = open(path)
        for (const [segment, head] of Object.entries(all)) heads.set(segment, head)
        heads.close()
        const bytes = readFileSync(path)
        const hit = at % bytes.length
        if (cut) truncateSync(path, hit)
        else {
          bytes[hit] = (bytes[hit] as number) ^ change
          writeFileSync(path, bytes)
        }
        const left = known(path)
        for (const [segment, head] of Object.entries(left)) expect(head).toEqual(all[segment as 'a'])
        const again = open(path)
        for (const [segment, head] of Object.entries(all)) again.set(segment, head)
        again.close()
        expect(known(path)).toEqual(all)
      }),
      { numRuns: 200 },
    )
  })
})
