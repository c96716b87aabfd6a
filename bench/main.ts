import { parseArgs } from 'node:util'
import { benchAnalyze } from './analyze.ts'
import { benchAudit } from './audit.ts'
import { benchDatabase } from './database.ts'
import { benchEngines } from './engines.ts'
import { type Figure, keepFigures } from './figures.ts'
import { benchIndexStore } from './index-store.ts'
import { benchIngest } from './ingest.ts'
import { benchQuery } from './query.ts'
import { benchStatusline } from './statusline.ts'
import { benchVersion } from './version.ts'
import { benchWatching } from './watching.ts'
import { benchWorst } from './worst.ts'

const HELP = `usage: npm run bench -- [analyze] [version] [statusline] [query] [audit] [watching] [index] [ingest] [database] [engines] [--mb 1024] [--rounds 7] [--records 1000000] [--only 50x1000] [--way embedded|server] [--beside FOLDER] [--keep]
       npm run bench -- worst [--only SCENARIO] [--full] [--source legacy|clickhouse]

Runs the benchmarks that are named, or all, beside their peers, and prints the ratios; \`watching\` also beside another
commit, built in FOLDER. --keep writes the figures into the README's table (\`npm run figures\` does so with all that it
has). \`worst\` is run only where it is named: it asks the worst that one caller may ask, and its exit code is 1 where
others notice more than they may.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mb: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
    records: { type: 'string' },
    way: { type: 'string', default: 'embedded' },
    only: { type: 'string' },
    full: { type: 'boolean', default: false },
    source: { type: 'string', default: 'legacy' },
    beside: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})
const sourceOf = (text: string) => {
  if (text === 'legacy' || text === 'clickhouse') return text
  throw new Error(`--source is legacy or clickhouse, not "${text}"`)
}
const wayOf = (text: string) => {
  if (text === 'embedded' || text === 'server') return text
  throw new Error(`--way is embedded or server, not "${text}"`)
}
const sizes = values.records === undefined ? [1_000_000, 10_000_000] : values.records.split(',').map(Number)
/** Those of which the README has figures. */
const FIGURED: Record<string, () => Promise<readonly Figure[]>> = {
  analyze: () => benchAnalyze(Number(values.mb), Number(values.rounds)),
  version: () => benchVersion(7),
  statusline: () => benchStatusline(15),
  query: () => benchQuery(Number(values.mb), 3, 5, values.only),
  ingest: () => benchIngest(5, values.only),
  database: () => benchDatabase(sizes, wayOf(values.way)),
}
const OTHERS: Record<string, () => Promise<void> | void> = {
  audit: () => benchAudit(5),
  watching: () => benchWatching(4, values.beside),
  engines: () => benchEngines(),
  index: () => benchIndexStore(Number(values.records ?? 1_000_000)),
}
const isWanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name)

if (values.help) process.stdout.write(`${HELP}\n`)
else {
  for (const [name, bench] of Object.entries(FIGURED)) {
    if (!isWanted(name)) continue
    const figures = await bench()
    if (values.keep) keepFigures(name, figures, new Date().toISOString().slice(0, 10))
  }
  for (const [name, bench] of Object.entries(OTHERS)) if (isWanted(name)) await bench()
  if (positionals.includes('worst'))
    await benchWorst({ only: values.only, full: values.full, source: sourceOf(values.source) })
}
