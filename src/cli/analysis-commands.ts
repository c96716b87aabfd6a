import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { DIMENSION_NAMES, DIMENSIONS } from '../domain/dimensions.ts'
import { FORMATS } from './analysis-options.ts'
import { STATUS_OPTIONS } from './statusline/options.ts'

// The commands that count the transcripts on this machine, and need no server.

const collect = (value: string, list: string[]): string[] => [...list, value]

/** What all of them read, and how they show it. */
const ranged = (command: Command): Command =>
  command
    .option('--transcripts <dir>', 'folders of transcripts, comma-separated, as TRANSCRIPTS_DIR')
    .option('--time-zone <zone>', 'IANA time zone that days belong to, or local', 'UTC')
    .option('--since <date>', 'first day, or a moment: 2026-04-01, 20260401, or an RFC 3339 timestamp')
    .option('--until <date>', 'last day, all of it counts; or the moment before which it ends')

const formatted = (command: Command): Command =>
  command
    .addOption(new Option('--format <format>', 'what to print').choices(FORMATS).default('table'))
    .option('--compact', 'a table of at most 80 columns')
    .option('--no-index', 'neither use nor write the incremental index: read every byte')
    .option('--no-progress', 'no progress bar')

const ANALYZE_HELP = `
Names of --by: day, week, month, hour (one of them), project, model, session,
user, host, branch, sidechain.
--order is desc or asc (of the first column), one of tokens, cost, records,
name, or both: cost,asc.
--last 7 is the latest 7 days, or weeks, months or hours where --by has them,
the current one among them; 24h, 7d, 4w and 3m say of what.
--project takes the name of its folder or its path, --model the beginning of a
name. A value that occurs nowhere is told, with what is near, and exit code 2.

Examples:
  token-bridge analyze --by day,model --last 7
  token-bridge analyze --by project,model --since 2026-04-01 --order cost
  token-bridge analyze --project ~/shop --model claude-opus --time-zone local
  token-bridge analyze --by month,project --format csv > usage.csv
  token-bridge analyze --transcripts ann@laptop=/backup/ann,/backup/bob --json`

export function addAnalyze(program: Command): void {
  const analysis = ranged(
    program.command('analyze').description('count the transcripts on this machine; needs no server'),
  )
    .option('--by <names>', 'what rows are by: one to three names, comma-separated, such as day,model', 'day')
    .option('--last <number>', 'the latest so many periods, such as 7, 24h, 7d, 4w, 3m')
    .option('--order <order>', 'of rows: desc, asc, tokens, cost, records, name')
    .option('--from <moment>', 'first moment: a date of the time zone, or an RFC 3339 timestamp')
    .option('--to <moment>', 'end, itself not included: a date or a timestamp')
  for (const name of DIMENSION_NAMES)
    analysis.option(`--${name} <${DIMENSIONS[name].value}>`, `only this ${name} (may be repeated)`, collect, [])
  formatted(analysis)
    .option('--quality', 'list what was refused, and why')
    .option('--json', 'as --format json, with lists by day and by each dimension, whatever --by says')
    .addHelpText('after', ANALYZE_HELP)
    .action(async (options) => {
      const { analyze } = await import('./analyze.ts')
      await analyze(options)
    })
}

const BLOCKS_HELP = `
A block is a window of five hours, as the agent's plans count: it begins with
the full hour (UTC) of the first record after the one before. Its rate is what
was used between its first record and its last, its projection what it comes to
if that goes on. --limit is what a block may use: a number of tokens, or max:
the most that an earlier one had. --last 10 is the latest 10 blocks; 24h, 7d,
4w and 3m are those that began in that time.

Examples:
  token-bridge blocks --last 3d
  token-bridge blocks --active --limit max --time-zone local
  token-bridge blocks --since 2026-04-01 --format json`

export function addBlocks(program: Command): void {
  const blocks = ranged(
    program.command('blocks').description('windows of five hours, with rate and projection; needs no server'),
  )
    .option('--last <number>', 'the latest so many blocks, such as 10, or of a time: 24h, 7d, 4w, 3m')
    .addOption(new Option('--order <order>', 'of blocks').choices(['asc', 'desc']).default('asc'))
    .option('--active', 'only the block that goes on now')
    .option('--limit <tokens>', 'what a block may use: a number, or max')
    .option('--hours <number>', 'length of a block', '5')
  for (const name of ['user', 'host'] as const)
    blocks.option(`--${name} <name>`, `only this ${name} (may be repeated)`, collect, [])
  formatted(blocks)
    .option('--json', 'as --format json')
    .addHelpText('after', BLOCKS_HELP)
    .action(async (options) => {
      const { showBlocks } = await import('./blocks.ts')
      await showBlocks(options)
    })
}

/** The agent runs its command in the folder of whatever is worked on, where neither npx nor the PATH knows this program. */
const STATUS_COMMAND = `${[process.execPath, fileURLToPath(new URL('../../bin/token-bridge.js', import.meta.url))]
  .map(quoted)
  .join(' ')} statusline --limit max`

const STATUSLINE_HELP = `
The agent's JSON is read from stdin (or a file). The line is made of what was
counted last, at once; what is new is counted beside it, for the next line.
Data is kept in DATA_DIR, or in ~/.token-bridge. Whatever goes wrong is told in
the line, with exit code 0. Colours are shown with FORCE_COLOR=1.

In the agent's settings.json, which works from any folder:
  "statusLine": ${JSON.stringify({ type: 'command', command: STATUS_COMMAND })}`

/** A path as a word of a shell. */
function quoted(path: string): string {
  return /^[\w./+@:-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}

/** Its help; the command itself is run without the rest of the program, which takes longer to load than a line may. */
export function addStatusline(program: Command): void {
  const status = program
    .command('statusline')
    .description('one line about the session, today and the block that goes on, for the prompt of an agent')
    .argument('[file]', "the agent's JSON; - reads stdin", '-')
  for (const [name, { value, about, ...rest }] of Object.entries(STATUS_OPTIONS))
    status.option(`--${name} <${value}>`, about, 'fallback' in rest ? rest.fallback : undefined)
  status.addHelpText('after', STATUSLINE_HELP)
}
