import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { freshPicture, picture } from '../support/picture.ts'
import { analysisOf, line, makeFolder } from '../support/transcripts.ts'

const at = (folder: string, name: string) => join(folder, 'projects', name)
const full = (id: string, output = 1) => `${line({ id, usage: { output_tokens: output } })}\n`

test('whatever happens to the files, it says what a count from scratch says', async () => {
  const names = ['p/a.jsonl', 'p/b.jsonl', 'q/c.jsonl', 'p/s/subagents/agent-d.jsonl']
  const name = fc.constantFrom(...names)
  const ids = fc.array(
    fc.tuple(
      fc.constantFrom('msg_1', 'msg_2', 'msg_3', 'gen', ''),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom('s', 't', null),
    ),
    { maxLength: 5 },
  )
  const content = fc
    .tuple(ids, fc.constantFrom('', '', '{"half', 'broken\n', full('msg_9').trimEnd()))
    .map(
      ([list, end]) =>
        list.map(([id, output, session]) => `${line({ id, session, usage: { output_tokens: output } })}\n`).join('') +
        end,
    )
  const step = fc.oneof(
    fc.record({ op: fc.constant('append' as const), name, content }),
    fc.record({ op: fc.constant('write' as const), name, content }),
    fc.record({ op: fc.constant('replace' as const), name, content }),
    fc.record({ op: fc.constant('rename' as const), name, to: name }),
    fc.record({ op: fc.constant('copy' as const), name, to: name }),
    fc.record({ op: fc.constant('truncate' as const), name, share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ op: fc.constant('remove' as const), name }),
    fc.record({ op: fc.constant('reopen' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const folder = makeFolder()
      for (const one of names) mkdirSync(dirname(at(folder, one)), { recursive: true })
      let clock = 1_000_000
      let analysis = analysisOf(folder, { index: true })
      for (const one of steps) {
        const path = 'name' in one ? at(folder, one.name) : ''
        if (one.op === 'append') appendFileSync(path, one.content)
        else if (one.op === 'write') writeFileSync(path, one.content)
        else if (one.op === 'replace') {
          writeFileSync(`${path}.tmp`, one.content)
          renameSync(`${path}.tmp`, path)
        } else if (one.op === 'remove') rmSync(path, { force: true })
        else if (one.op === 'reopen') {
          analysis.close()
          analysis = analysisOf(folder, { index: true })
        } else if (existsSync(path)) {
          if (one.op === 'rename') renameSync(path, at(folder, one.to))
          else if (one.op === 'copy' && one.to !== one.name) copyFileSync(path, at(folder, one.to))
          else if (one.op === 'truncate') truncateSync(path, Math.floor(readFileSync(path).length * one.share))
        }
        // writes within one tick of the file system's clock would have the same time
        const changed = one.op === 'copy' ? at(folder, one.to) : path
        if (one.op !== 'rename' && existsSync(changed) && changed !== '') utimesSync(changed, ++clock, clock)
        await analysis.refresh()
        expect(picture(analysis)).toEqual(await freshPicture(folder))
      }
    }),
    { numRuns: 60 },
  )
})
