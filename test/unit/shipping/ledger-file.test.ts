import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLedgerFile, readLedgerFile } from '../../../src/shipping/ledger-file.ts'
import { maySmallDisksBeMounted, mountSmallDisk, smallDiskFolder } from '../../support/small-disk.ts'

const read = (path: string): unknown[] => {
  const entries: unknown[] = []
  readLedgerFile(path, (entry) => entries.push(entry))
  return entries
}

describe.skipIf(!maySmallDisksBeMounted())('a ledger on a disk that is full', () => {
  test('keeps every whole line, and nothing of one that there was no room for, until there is room', () => {
    const disk = mountSmallDisk(smallDiskFolder(), 1)
    onTestFinished(() => disk?.remove())
    const path = join(disk?.folder as string, 'ledger')
    const file = openLedgerFile(path, () => undefined)
    const kept: unknown[] = []
    const append = (entry: unknown): boolean => {
      try {
        file.append(entry)
        kept.push(entry)
        return true
      } catch {
        return false
      }
    }
    for (let round = 0; round < 3; round++) {
      expect(append({ round, is: 'small' })).toBe(true)
      disk?.fill(1)
      const text = 'x'.repeat(5000)
      for (let n = 0; n < 5; n++) append({ round, n, text })
      expect(append({ round, text })).toBe(false)
      expect(() => file.rewrite([...kept, { text }])).toThrow('ENOSPC')
      disk?.free()
      expect(append({ round, is: 'small again' })).toBe(true)
      expect(read(path)).toEqual(kept)
      expect(file.size()).toBeGreaterThan(0)
    }
    file.rewrite(kept)
    append('the last one')
    file.close()
    expect(read(path)).toEqual(kept)
  })
})
