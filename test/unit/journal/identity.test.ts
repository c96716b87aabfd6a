import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { journalIdentity } from '../../../src/journal/identity.ts'
import { makeFolder } from '../../support/transcripts.ts'

test('a journal has one id, whoever comes first, and keeps it', async () => {
  const folder = makeFolder()
  const path = new URL('../../../src/journal/identity.ts', import.meta.url).href
  const code = `import(${JSON.stringify(path)}).then(({ journalIdentity }) =>
    require('node:worker_threads').parentPort.postMessage(journalIdentity(${JSON.stringify(folder)}).id))`
  const ids = await Promise.all(
    Array.from({ length: 4 }, () => {
      const worker = new Worker(code, { eval: true })
      return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    }),
  )
  expect(new Set(ids).size).toBe(1)
  expect(journalIdentity(folder).id).toBe(ids[0])
  expect(journalIdentity(makeFolder()).id).not.toBe(ids[0])
  expect(readdirSync(folder)).toEqual(['journal-id'])
})

test('it says whether its folder can still be read, and is that of the same journal', () => {
  const folder = join(makeFolder(), 'journal')
  const { canRead } = journalIdentity(folder)
  expect(canRead()).toBe(true)
  renameSync(folder, `${folder}-away`)
  expect(canRead()).toBe(false)
  journalIdentity(folder)
  expect(canRead()).toBe(false)
})

test('a damaged one is told with the remedy, and not replaced', () => {
  const folder = makeFolder()
  writeFileSync(join(folder, 'journal-id'), 'half of i')
  expect(() => journalIdentity(folder)).toThrow('journal-id is damaged: stop every server that uses this folder')
  expect(readFileSync(join(folder, 'journal-id'), 'utf8')).toBe('half of i')
})
