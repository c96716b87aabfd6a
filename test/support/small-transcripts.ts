import { line, makeFolder, writeTranscripts } from './transcripts.ts'

/** Three records of two projects, sessions and days, and a line that is none. */
export function small(): string {
  const folder = makeFolder()
  const usage = { input_tokens: 1, output_tokens: 2, cache_creation_input_tokens: 3, cache_read_input_tokens: 4 }
  writeTranscripts(folder, {
    'shop/a.jsonl': [
      line({ id: 'msg_1', session: 's1', time: '2026-03-28T23:30:00Z', usage }),
      line({
        id: 'msg_2',
        session: 's1',
        time: '2026-03-29T21:59:00Z',
        model: 'claude-opus-4-5-20251101',
        sidechain: true,
        branch: 'fix/a',
        usage,
      }),
    ],
    'notes/b.jsonl': [
      line({ id: 'msg_3', session: 's2', time: '2026-03-29T22:00:00Z', model: 'mystery', usage }),
      'broken',
    ],
  })
  return folder
}
