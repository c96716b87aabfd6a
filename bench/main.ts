import { parseArgs } from 'node:util'
import { benchAnalyze } from './analyze.ts'
import { benchDatabase } from './database.ts'
import { benchIndexStore } from './index-store.ts'
import { benchIngest } from './ingest.ts'
import { benchQuery } from './query.ts'

const HELP = `usage: npm run bench -- [analyze] [query] [index] [ingest] [database] [--mb 1024] [--rounds 7] [--records 1000000] [--only 50x1000]

Runs the benchmarks that are named, or all, beside their peers, and prints the ratios.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mb: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
    records: { type: 'string', default: '1000000' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
if (values.help) process.stdout.write(`${HELP}\n`)
else {
  if (wanted('analyze')) await benchAnalyze(Number(values.mb), Number(values.rounds))
  if (wanted('query')) await benchQuery(Number(values.mb), 3, 5)
  if (wanted('ingest')) await benchIngest(5, values.only)
  if (wanted('database')) await benchDatabase([1_000_000, 10_000_000])
  if (wanted('index')) benchIndexStore(Number(values.records))
}
