import { chmodSync, copyFileSync, readdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadJournalKey } from '../../../src/journal/key-file.ts'
import { segmentsOf, written } from '../../support/journals.ts'
import { makeFolder } from '../../support/transcripts.ts'

describe('the key of a journal', () => {
  test('does not go on with a new key, or with another one, where segments hold what only the old one can read', async () => {
    const folder = makeFolder()
    const { path } = await written(folder)
    const load = () => loadJournalKey(folder, join(folder, 'journal'))
    const old = load().id.toString('hex')
    const key = join(folder, 'journal-key')
    const remedy = `in ${join(folder, 'journal')} there is 1 segment that was encrypted with the key ${old}: put that key back, or move ${join(folder, 'journal')} away`

    renameSync(key, join(folder, 'kept'))
    expect(load).toThrow(`${key} is missing: ${remedy}`)
    expect(readdirSync(folder)).not.toContain('journal-key')
    const other = loadJournalKey(join(folder, 'other'), join(folder, 'other', 'journal')).id.toString('hex')
    renameSync(join(folder, 'other', 'journal-key'), key)
    expect(load).toThrow(`${key} holds another key (${other}): ${remedy}`)

    // given back, everything is as it was; beside a segment of its own, that of another key is damage
    renameSync(key, join(folder, 'other', 'journal-key'))
    renameSync(join(folder, 'kept'), key)
    expect(load().id.toString('hex')).toBe(old)
    const foreign = await written(join(folder, 'other'))
    copyFileSync(foreign.path, join(dirname(path), basename(foreign.path)))
    expect(load().id.toString('hex')).toBe(old)

    // a damaged first header names no key, but a segment that holds something is not given up for a new one
    for (const name of segmentsOf(folder)) truncateSync(name, 40)
    for (const name of segmentsOf(folder)) writeFileSync(name, 'X', { flag: 'r+' })
    expect(load().id.toString('hex')).toBe(old)
    renameSync(key, join(folder, 'kept'))
    expect(load).toThrow('2 segments that were encrypted with the key unknown')
    // what is shorter than a frame's header holds nothing
    for (const name of segmentsOf(folder)) truncateSync(name, 31)
    expect(load().id.toString('hex')).not.toBe(old)
  })

  test('refuses a key that others can read, and one that is damaged', () => {
    const folder = makeFolder()
    loadJournalKey(folder, join(folder, 'journal'))
    const path = join(folder, 'journal-key')
    writeFileSync(path, 'short\n')
    expect(() => loadJournalKey(folder, join(folder, 'journal'))).toThrow('damaged')
    chmodSync(path, 0o644)
    expect(() => loadJournalKey(folder, join(folder, 'journal'))).toThrow('chmod 600')
  })
})
