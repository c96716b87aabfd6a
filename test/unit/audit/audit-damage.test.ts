// Damage that was found is told until somebody has acknowledged it, whatever is started meanwhile.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { acknowledgeDamage } from '../../../src/audit/acknowledging.ts'
import { filesOf, KEY, linesOf, open, verdictOf, written } from '../../support/audit-folder.ts'
import { makeFolder } from '../../support/transcripts.ts'

const OLGA = { who: 'olga', from: 'command line' }

/** Cuts the last entry off, as somebody would while no server runs. */
function cut(folder: string): void {
  const [path] = filesOf(folder).slice(-1) as [string]
  const text = readFileSync(path, 'utf8')
  truncateSync(path, text.lastIndexOf('\n', text.length - 2) + 1)
}
/** Starts, and ends: what it found wrong. */
async function damageAtStart(folder: string): Promise<string | undefined> {
  const log = open(folder)
  const damage = log.damage()
  await log.close()
  return damage
}
async function acknowledge(folder: string): Promise<string[]> {
  const log = open(folder)
  const problems = await acknowledgeDamage(log, { folder, key: KEY }, OLGA)
  expect(log.damage()).toBeUndefined()
  await log.close()
  return problems
}

describe('a damaged audit log', () => {
  const ways: [string, (folder: string) => void, RegExp][] = [
    ['its end was cut off', cut, /^its head was at 3, its files ended at 2$/],
    ['its head was removed', (folder) => rmSync(join(folder, 'head.json')), /^its head was missing/],
    ['its head is another one', (folder) => writeFileSync(join(folder, 'head.json'), '{}'), /^its head was damaged/],
    [
      'its head is a longer one',
      (folder) => writeFileSync(join(folder, 'head.json'), '{}'.repeat(1000)),
      /^its head was/,
    ],
    ['its files were removed', (folder) => rmSync(filesOf(folder)[0] as string), /^all entries up to 3 are missing$/],
  ]
  test.each(ways)('says at every start that %s, until it is acknowledged', async (_way, damage, expected) => {
    const folder = await written(3)
    damage(folder)
    for (let start = 0; start < 3; start++) expect(await damageAtStart(folder)).toMatch(expected)
    expect(verdictOf(folder).problem).toBeDefined()
    const problems = await acknowledge(folder)
    expect(problems.length).toBeGreaterThan(0)
    expect(await damageAtStart(folder)).toBeUndefined()
    expect(verdictOf(folder)).toMatchObject({ problem: undefined, acknowledged: problems })
    const entries = linesOf(folder).filter(({ action }) => action === 'audit acknowledged')
    expect(entries).toMatchObject(problems.map((detail) => ({ ...OLGA, detail })))
  })

  test('is told again where it is damaged again, and verification names what is new alone', async () => {
    const folder = await written(3)
    cut(folder)
    await damageAtStart(folder)
    const known = await acknowledge(folder)
    const log = open(folder)
    await log.note({ action: 'mutation later', outcome: 'ok' })
    await log.close()
    cut(folder)
    expect(await damageAtStart(folder)).toBe('its head was at 6, its files ended at 5')
    const { problem, acknowledged } = verdictOf(folder)
    expect(problem).toMatch(/^the entry 6 is missing before/)
    expect(acknowledged).toEqual(known)
    // an acknowledgement that is gone counts no more
    const [path] = filesOf(folder).slice(-2) as [string]
    truncateSync(path, 0)
    expect(verdictOf(folder).acknowledged).toEqual([])
  })

  test('is told by what stands behind the head, where the process was killed between the two', async () => {
    const folder = await written(3)
    cut(folder)
    const head = readFileSync(join(folder, 'head.json'))
    await damageAtStart(folder)
    writeFileSync(join(folder, 'head.json'), head)
    expect(await damageAtStart(folder)).toBe('its head was at 3, its files ended at 2')
    expect(await damageAtStart(folder)).toBe('its head was at 3, its files ended at 2')
  })

  test('whose head was removed while it ran is not open to whoever cuts its end off, once that was acknowledged', async () => {
    const folder = await written(3)
    const log = open(folder)
    rmSync(join(folder, 'head.json'))
    expect(await acknowledgeDamage(log, { folder, key: KEY }, OLGA)).toEqual([expect.stringMatching(/is missing/)])
    await log.note({ action: 'mutation later', outcome: 'ok' })
    // it goes on with a new one
    expect(verdictOf(folder).problem).toBeUndefined()
    await log.close()
    cut(folder)
    expect(verdictOf(folder).problem).toMatch(/at the end: cut off$/)
    rmSync(join(folder, 'head.json'))
    expect(verdictOf(folder).problem).toMatch(/^its head \(head.json\) is missing/)
  })

  test('that was found while it runs says so at the next start', async () => {
    const folder = await written(1)
    const log = open(folder)
    log.damaged('the database has more')
    log.damaged('the database has even more')
    await log.close()
    expect(await damageAtStart(folder)).toBe('the database has more')
    expect(verdictOf(folder).problem).toMatch(/says that the audit log was damaged: the database has more$/)
  })

  test('of which nothing is left but the key says so', async () => {
    const folder = await written(3)
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    const log = open(folder, { isKeyOld: true })
    expect(log.damage()).toMatch(/^there was a key of before, and no entry/)
    await log.close()
    expect(await damageAtStart(folder)).toMatch(/^there was a key of before, and no entry/)
    expect(verdictOf(folder).problem).toMatch(/there was a key of before, and no entry/)
  })

  test('whose entry about it went with the oldest files is still told', async () => {
    const small = { maxFileBytes: 600, maxBytes: 3000 }
    const folder = await written(3, small)
    cut(folder)
    const log = open(folder, small)
    for (let i = 0; i < 40; i++) await log.note({ action: `mutation ${i}`, outcome: 'ok' })
    await log.close()
    expect(linesOf(folder).some(({ action }) => action === 'audit damaged')).toBe(false)
    expect(await damageAtStart(folder)).toMatch(/token-bridge audit verify/)
    expect(verdictOf(folder).problem).toMatch(/^the entry 4 said that the audit log was damaged, and is gone$/)
    await acknowledge(folder)
    expect(await damageAtStart(folder)).toBeUndefined()
    expect(verdictOf(folder).problem).toBeUndefined()
  })

  test('cannot be acknowledged before it is damaged, by somebody who writes such a line', async () => {
    const folder = await written(3)
    const [path] = filesOf(folder) as [string]
    const lines = readFileSync(path, 'utf8').split(/(?<=\n)/)
    const problem = '000000000000000.jsonl, line 2 (position 1) is not what was written there'
    const forged = (lines[2] as string)
      .replace('mutation something', 'audit acknowledged')
      .replace('"ok"', `"ok","detail":"${problem}"`)
    writeFileSync(path, [lines[0], (lines[1] as string).replace('user 0', 'user 9'), forged, lines[3]].join(''))
    expect(verdictOf(folder)).toMatchObject({ problem, acknowledged: [] })
  })
})

describe('an audit log in whose place something else is', () => {
  const odd: [string, (path: string) => void][] = [
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe', (path) => void spawnSync('mkfifo', [path])],
    ['a link to a folder', (path) => symlinkSync(makeFolder(), path)],
  ]
  test.each(odd)('names %s with the name of a file, and what to do, and waits for nothing', async (_what, make) => {
    for (const name of ['000000000000002.jsonl', 'head.json']) {
      const folder = await written(3)
      rmSync(join(folder, name), { force: true })
      make(join(folder, name))
      const expected = `${join(folder, name)} is no file, and stands where one of the audit log is: move it away`
      expect(() => open(folder)).toThrow(expected)
      expect(() => verdictOf(folder)).toThrow(expected)
    }
  })

  test('names a file in place of its folder', async () => {
    const folder = join(makeFolder(), 'audit')
    writeFileSync(folder, '')
    expect(() => open(folder)).toThrow(`${folder} is no folder, and stands where the audit log is: move it away`)
  })

  test('that comes while it is written refuses what must be noted, with its path', async () => {
    const folder = await written(1, { maxFileBytes: 600 })
    const log = open(folder, { maxFileBytes: 600 })
    const path = join(folder, '000000000000099.jsonl')
    mkdirSync(path)
    const noting = async () => {
      for (let i = 0; i < 9; i++) await log.note({ action: 'mutation a', outcome: 'ok', detail: 'x'.repeat(200) })
    }
    await expect(noting()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect(log.problem()).toContain(`${path} is no file`)
    rmSync(path, { recursive: true })
    await noting()
    await log.close()
    expect(verdictOf(folder).problem).toBeUndefined()
  })
})

test('an audit log has one writer', async () => {
  const folder = await written(1)
  const log = open(folder)
  expect(() => open(folder)).toThrow(`another process writes the audit log in ${folder}`)
  await log.close()
  await open(folder).close()
})
