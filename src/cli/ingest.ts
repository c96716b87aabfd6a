import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { count } from '../domain/counted.ts'
import type { RemoteOptions } from './client.ts'
import type { RecordOriginInput, TokenCountsInput, TokenRecordInput } from './generated.ts'
import { batchesOf, createMistakes, type SentRecord, sendBatch } from './send-records.ts'
import { printJson, printLines, tellProblem } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/**
 * `token-bridge ingest FILE`: sends JSON lines, each a `TokenRecordInput`; `-` reads stdin. The same file sent
 * again is counted once: the key of a batch follows from everything up to its end. Exit code 1 where something
 * was not accepted; the rest is.
 */
export async function ingestFile(path: string, options: RemoteOptions): Promise<void> {
  if (path !== '-' && !existsSync(path)) throw new UsageError(`${path} does not exist`)
  const input = path === '-' ? process.stdin : createReadStream(path)
  const hash = createHash('sha256')
  const mistakes = createMistakes()
  let accepted = 0

  async function* records(): AsyncIterable<SentRecord> {
    let number = 0
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      if (line.trim() === '') continue
      const parsed = parse(line)
      if ('mistakes' in parsed) mistakes.add(parsed.mistakes.map((mistake) => `line ${number}: ${mistake}`))
      else yield { record: parsed.record, place: `line ${number}` }
    }
  }

  for await (const batch of batchesOf(records())) {
    hash.update(JSON.stringify(batch.map(({ record }) => record)))
    const key = `file:${hash.copy().digest('hex')}`
    const first = batch[0]?.place
    const sent = await sendBatch(batch, key, options).catch((error: Error) => {
      throw new Error(
        `from ${first} on nothing was accepted (send the file again, it is counted once): ${error.message}`,
        {
          cause: error,
        },
      )
    })
    accepted += sent.accepted
    mistakes.add(sent.mistakes)
  }

  const rejected = mistakes.all()
  if (options.json) printJson({ accepted, rejected })
  else printLines([`${count(accepted, 'record')} accepted`])
  if (rejected.length === 0) return
  if (!options.json) rejected.forEach(tellProblem)
  process.exitCode = 1
}

const figure = z.union([z.string(), z.number()])
const text = z.string().nullish()
/** Every member of an input, and no other. */
type Members<Input> = Record<keyof Input, z.ZodType>
/** The shape alone: what the values must be is told by the server, by record and field. */
const RECORD = z.strictObject({
  sessionId: z.string(),
  project: z.string(),
  model: z.string(),
  occurredAt: z.string(),
  tokens: z.strictObject({
    input: figure,
    output: figure,
    cacheCreation: figure.nullish(),
    cacheCreation1h: figure.nullish(),
    cacheRead: figure.nullish(),
  } satisfies Members<TokenCountsInput>),
  messageId: text,
  requestId: text,
  user: text,
  host: text,
  branch: text,
  sidechain: z.boolean().nullish(),
  identity: text,
  origin: z.strictObject({ path: z.string(), offset: figure } satisfies Members<RecordOriginInput>).nullish(),
} satisfies Members<TokenRecordInput>)

/** Of one line: one that is something else altogether may have any number. */
const MAX_OF_LINE = 20

/** The record, or all that is wrong with the line. */
function parse(line: string): { record: TokenRecordInput } | { mistakes: string[] } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { mistakes: ['malformed_json: it is no JSON'] }
  }
  const result = RECORD.safeParse(value)
  if (result.success) return { record: result.data as TokenRecordInput }
  const mistakes = result.error.issues.map(
    ({ path, message }) => `invalid_record: ${path.join('.') || 'record'}: ${message}`,
  )
  return { mistakes: mistakes.slice(0, MAX_OF_LINE) }
}
