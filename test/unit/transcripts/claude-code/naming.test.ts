import { describe, expect, test } from 'vitest'
import { foldersIn, nameLog } from '../../../../src/transcripts/claude-code/naming.ts'

describe('the name of a log', () => {
  test.each([
    ['shop/a.jsonl', { project: 'shop', pathSession: undefined, stem: 'a' }],
    ['shop/agent-1.jsonl', { project: 'shop', pathSession: undefined, stem: 'agent-1' }],
    ['shop/s1/subagents/agent-1.jsonl', { project: 'shop', pathSession: 's1', stem: 'agent-1' }],
    ['shop/s1/subagents/deep/agent-1.jsonl', { project: 'shop', pathSession: 's1', stem: 'agent-1' }],
    ['subagents/a.jsonl', { project: 'subagents', pathSession: undefined, stem: 'a' }],
  ])('%s', (path, naming) => {
    expect(nameLog(path)).toEqual(naming)
  })
})

test('the folders that lines were written in are read however a line is laid out', () => {
  expect(foldersIn('{"cwd":"/a/b"}\n{"cwd": "/c"}\n{ "cwd" : "/d" }\n{"cwd":')).toEqual(['/a/b', '/c', '/d'])
})
