import { parseArgs } from 'node:util'
import { runKillLoop } from '../test/faults/kill-loop.ts'

/**
 * `npm run bench:kill -- [kills] [seed] [--server]`: several hundred kills of a real server; exit code 1 where anything
 * differs. With `--server` it works with a ClickHouse server, which is killed, too.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { server: { type: 'boolean' } } })
const [kills = '300', seed = String(Date.now() % 1_000_000)] = positionals
const clickhouseServer = values.server === true
const started = performance.now()
const report = await runKillLoop({
  kills: Number(kills),
  seed: Number(seed),
  clickhouseServer,
  onKill(kill, moment) {
    if (process.stderr.isTTY) process.stderr.write(`\r${kill} of ${kills} ${moment}          `)
  },
})
process.stdout.write(
  `${report.kills} kills (seed ${seed}) in ${((performance.now() - started) / 1000).toFixed(0)} s at ${Object.keys(report.moments).length} kinds of moments${clickhouseServer ? ` and ${report.crashes} of the ClickHouse server` : ''}, ${report.acknowledged} records acknowledged, ${report.differences.length} differences\n`,
)
for (const difference of report.differences) process.stdout.write(`${difference}\n`)
process.exitCode = report.differences.length === 0 ? 0 : 1
