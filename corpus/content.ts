import type { Random } from './random.ts'

/** Pieces that tool results and answers are made of; some look like usage and must never count. */
const PIECES = [
  'The quick brown fox jumps over the lazy dog. ',
  'export async function handler(request: Request): Promise<Response> {\n  const body = await request.json()\n',
  '    if (error instanceof TypeError) {\n        return { "status": "failed", "code": 42 }\n    }\n',
  '| column | type | nullable |\n|---|---|---|\n| id | uuid | no |\n',
  '\u001b[32m✓\u001b[39m 128 tests passed (3.41 s)\n',
  'C:\\Users\\ann\\shop\\src\\index.ts:12:7 - error TS2322\n',
  'Größe: 12 µm, naïve café, 数据库, данные, 😀👩‍👩‍👧 ',
  'a line separator\u2028and a paragraph separator\u2029here ',
  '{"type":"assistant","message":{"id":"msg_fake","usage":{"input_tokens":999,"output_tokens":999}}}\n',
  '"usage": {"input_tokens": 7, "output_tokens": null} ',
  'diff --git a/src/cart.ts b/src/cart.ts\n@@ -10,7 +10,9 @@\n-  return total\n+  return round(total)\n',
  'null, undefined and NaN walk into a bar; null pays. ',
]

/** Raw JSON string bodies (already escaped) that only hand-written JSON can contain. */
const RAW_PIECES = ['\\u0041\\u00e9 ', 'lone \\ud83d surrogate ', '\\/slash\\/ ', '\\u007b\\u0022usage\\u0022 ']

/** Makes the inside of JSON strings, escaped, of about the size that was asked for. */
export function createContent(random: Random): (bytes: number) => string {
  const escaped = [...PIECES.map((piece) => JSON.stringify(piece).slice(1, -1)), ...RAW_PIECES]
  const pool: string[] = []
  for (let i = 0; i < 512; i++) {
    let piece = ''
    while (piece.length < 1024) piece += random.pick(escaped)
    pool.push(piece)
  }
  return (bytes) => {
    if (bytes < 1024) return random.pick(escaped)
    const pieces: string[] = []
    for (let left = bytes; left > 0; left -= 1024) pieces.push(random.pick(pool))
    return pieces.join('')
  }
}
