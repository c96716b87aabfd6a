import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { onTestFinished } from 'vitest'
import { identityDigest } from '../../src/domain/identity.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { type Analysis, openAnalysis } from '../../src/enhanced-analysis/analysis.ts'
import { line, makeFolder } from './transcripts.ts'

// Worlds of records of several users, projects and hosts, some of which overlap.

const ROOTS = [
  { user: 'ann', host: 'laptop', isLabelled: true },
  { user: 'bob', host: 'tower', isLabelled: true },
]
const BROKEN = '{"broken'

/** A copy, as it was brought in. */
export interface Raw {
  id: string
  user: string
  project: string
  host: string
  session: string
  time: number
  /** No two copies have the same. */
  output: number
  byMutation: boolean
}

export const NINE = Date.parse('2026-04-02T09:00:00Z')
const anyCopy = fc.record({
  id: fc.integer({ min: 0, max: 9 }),
  session: fc.constantFrom<string>('s1', 's2', 's3'),
  time: fc.integer({ min: 0, max: 5 }).map((hours) => NINE + hours * 3_600_000),
})
const anyFile = fc.record({
  root: fc.nat({ max: ROOTS.length - 1 }),
  project: fc.constantFrom<string>('p', 'q'),
  copies: fc.array(anyCopy, { maxLength: 5 }),
  broken: fc.nat({ max: 2 }),
  isShipped: fc.boolean(),
})
const anyJournaled = fc.record({
  id: fc.integer({ min: 5, max: 20 }),
  session: fc.constantFrom<string>('s1', 's4'),
  time: fc.constantFrom(NINE - 1, NINE + 80_000_000),
  user: fc.constantFrom<string>('ann', 'bob', 'eve'),
  project: fc.constantFrom<string>('p', 'q', "o'brien"),
  host: fc.constantFrom<string>('laptop', 'tower', ''),
})
export const anyWorld = fc.record({
  files: fc.array(anyFile, { minLength: 1, maxLength: 5 }),
  journaled: fc.uniqueArray(anyJournaled, { maxLength: 6, selector: ({ id }) => id }),
  isJournalShipped: fc.boolean(),
})
const someOf = (...names: string[]) => fc.option(fc.subarray(names), { nil: undefined })
export const anyScope: fc.Arbitrary<Scope> = fc.record({
  users: someOf('ann', 'bob', 'eve', 'nobody'),
  projects: someOf('p', 'q', "o'brien", "') OR 1=1 --"),
  hosts: someOf('laptop', 'tower', ''),
})
export type World = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never

/** Writes a world to disk, and says what is in it, the journal included: file by file, and copy by copy. */
export function write({ files, journaled }: World) {
  const folder = makeFolder()
  let output = 1
  const raw: Raw[] = []
  const written = files.map(({ root, project, copies, broken }, i) => {
    const owner = ROOTS[root] as (typeof ROOTS)[number]
    const path = join(folder, `root${root}`, project, `${i}.jsonl`)
    mkdirSync(join(folder, `root${root}`, project), { recursive: true })
    const lines = copies.map(({ id, session, time }) => {
      raw.push({ ...owner, project, id: `msg_${id}`, session, time, output, byMutation: false })
      return line({ id: `msg_${id}`, session, time: new Date(time).toISOString(), usage: { output_tokens: output++ } })
    })
    const text = [...lines, ...Array<string>(broken).fill(BROKEN)].map((one) => `${one}\n`).join('')
    writeFileSync(path, text)
    return { path, ...owner, project, broken, bytes: Buffer.byteLength(text) }
  })
  for (const { id, ...rest } of journaled) raw.push({ ...rest, id: `msg_${id}`, output: output++, byMutation: true })
  const roots = ROOTS.map((root, i) => ({ ...root, path: join(folder, `root${i}`) }))
  for (const { path } of roots) mkdirSync(path, { recursive: true })
  return { folder, roots, raw, written }
}

/** The same, with an analysis of it. */
export function make(world: World) {
  const { roots, ...made } = write(world)
  const analysis = openAnalysis({ roots, scanThreads: 0 })
  onTestFinished(() => analysis.close())
  return { ...made, analysis }
}

export function journal(analysis: Analysis, raw: readonly Raw[]): void {
  raw
    .filter(({ byMutation }) => byMutation)
    .forEach(({ id, ...rest }, i) => {
      const position = i * 100
      const counts = { input: 1, cacheRead: 0, cacheCreation5m: 0, cacheCreation1h: 0 }
      const place = { stamp: 1000 + i, position, path: 'journal:segment-1', offset: position }
      const identity = identityDigest(`message:${id}`)
      const record = { ...rest, ...counts, ...place, identity, model: 'm', branch: '', sidechain: false }
      analysis.addJournaled({ segment: 'segment-1', to: position + 100, records: [record] })
    })
}
