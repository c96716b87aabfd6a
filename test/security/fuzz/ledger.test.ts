import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogState } from '../../../src/ports/logs.ts'
import { type Ledger, openLedger } from '../../../src/shipping/ledger.ts'
import { NO_RUN } from '../../../src/shipping/ledger-entries.ts'
import { damage, misshape, runs } from '../../support/mutations.ts'
import { makeFolder } from '../../support/transcripts.ts'

const CODES = ['LEDGER_DAMAGED', 'LATER_LEDGER', 'OTHER_DATABASE']
const state = (publishedTo: number): LogState => ({
  key: '1:2',
  edition: 0,
  path: '/p/a.jsonl',
  relativePath: 'a.jsonl',
  fingerprint: { counted: publishedTo, sha256: 'x' },
  publishedTo,
})

/** Opens, asks and closes. */
function read(path: string): string {
  const ledger = openLedger(path, 'store', 0)
  try {
    return known(ledger)
  } finally {
    ledger.close()
  }
}
const known = (ledger: Ledger): string =>
  JSON.stringify([ledger.states(), ledger.archived(), ledger.migrations(), ledger.unsettled() ?? null])

/** A ledger of some publications; what it knew after each of its lines. */
function written() {
  const path = join(makeFolder(), 'ledger')
  const ledger = openLedger(path, 'store', 0)
  for (const to of [10, 20, 30, 40]) {
    const batch = { batch: ledger.nextBatch(), log: 'log', run: NO_RUN, records: 1, digest: 'd' }
    const group = { batches: [batch], states: [state(to)], run: NO_RUN, tokens: ['5'] }
    ledger.plan(group)
    ledger.verified()
    void ledger.noted({ kind: 'published', group }, to)
  }
  ledger.close()
  const bytes = readFileSync(path)
  const lines = bytes.toString('utf8').split(/(?<=\n)/)
  const prefixes = lines.map((_, i) => {
    writeFileSync(path, lines.slice(0, i).join(''))
    return read(path)
  })
  writeFileSync(path, bytes)
  return { path, bytes, lines, prefixes: new Set([...prefixes, read(path)]) }
}

test('a ledger that is damaged anywhere is told with its line, or knows what it knew before its torn end', () => {
  const { path, bytes, prefixes } = written()
  let [told, cut] = [0, 0]
  fc.assert(
    fc.property(damage, (harm) => {
      writeFileSync(path, harm(bytes))
      try {
        expect(prefixes).toContain(read(path))
        cut++
      } catch (error) {
        expect(CODES).toContain((error as { code?: string }).code)
        told++
      }
    }),
    runs(150),
  )
  expect(Math.min(told, cut)).toBeGreaterThan(0)
})

test('a line whose checksum is right, and that is none that this program writes, is told, or read without harm', () => {
  const { path, lines } = written()
  fc.assert(
    fc.property(fc.nat(lines.length - 1), misshape, (at, change) => {
      const json = JSON.stringify(change(JSON.parse((lines[at] as string).slice(9)))) ?? 'null'
      const line = `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
      writeFileSync(path, lines.with(at, line).join(''))
      try {
        read(path)
      } catch (error) {
        expect(CODES, String((error as Error).stack)).toContain((error as { code?: string }).code)
      }
    }),
    runs(150),
  )
})
