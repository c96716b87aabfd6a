import { parseArgs } from 'node:util'
import { generateCorpus } from './generate.ts'

const HELP = `usage: npm run corpus -- --out DIR [--files 88] [--mb 1024] [--tokens N] [--seed 1]

Writes a deterministic corpus of transcripts under DIR/projects and, beside it, DIR/truth.json:
what was planted, to compare an analysis with. --tokens sets the exact number of tokens that
remain after deduplication.`

function wholeNumber(name: string, text: string | undefined, fallback: number): number
function wholeNumber(name: string, text: string | undefined, fallback: undefined): number | undefined
function wholeNumber(name: string, text: string | undefined, fallback: number | undefined): number | undefined {
  if (text === undefined) return fallback
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`--${name} must be a whole number above 0, not "${text}"`)
  return value
}

function megabytesOf(text: string | undefined): number {
  const value = Number(text ?? 1024)
  if (!(value > 0 && value < 1e7)) throw new RangeError(`--mb must be a number above 0, not "${text}"`)
  return value
}

try {
  const { values } = parseArgs({
    options: {
      files: { type: 'string' },
      mb: { type: 'string' },
      tokens: { type: 'string' },
      seed: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help || values.out === undefined) {
    process.stdout.write(`${HELP}\n`)
    process.exitCode = values.help ? 0 : 2
  } else {
    const tokens = wholeNumber('tokens', values.tokens, undefined)
    const truth = generateCorpus({
      files: wholeNumber('files', values.files, 88),
      megabytes: megabytesOf(values.mb),
      seed: wholeNumber('seed', values.seed, 1),
      out: values.out,
      ...(tokens === undefined ? {} : { tokens }),
      onFile: (done, files) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${done}/${files} files`)
      },
    })
    if (process.stderr.isTTY) process.stderr.write('\n')
    process.stdout.write(
      `${truth.files} files, ${truth.bytes} bytes, ${truth.recordCount} records, ${truth.tokens.total} tokens, ${truth.duplicateLines} duplicate lines\n`,
    )
  }
} catch (error) {
  process.stderr.write(`corpus: ${(error as Error).message}\n`)
  process.exitCode = 2
}
