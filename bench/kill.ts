import { parseArgs } from 'node:util'
import { runInstancesLoop } from '../test/faults/instances-loop.ts'
import { runKillLoop } from '../test/faults/kill-loop.ts'

/**
 * `npm run bench:kill -- [kills] [seed] [--server] [--instances N]`: several hundred kills of a real server; exit code 1
 * where anything differs. With `--server` it works with a ClickHouse server, which is killed, too. With `--instances`
 * that many servers share one, and are killed, stopped and robbed of their folders.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: 'boolean' }, instances: { type: 'string' } },
})
const [kills = '300', seed = String(Date.now() % 1_000_000)] = positionals
const started = performance.now()
const onFault = (fault: number, what: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${fault} of ${kills} ${what}          `)
}
const { text, differences } = await (values.instances === undefined ? ofOne() : ofSeveral(Number(values.instances)))
const seconds = ((performance.now() - started) / 1000).toFixed(0)
process.stdout.write(`seed ${seed}, ${seconds} s: ${text}, ${differences.length} differences\n`)
for (const difference of differences) process.stdout.write(`${difference}\n`)
process.exitCode = differences.length === 0 ? 0 : 1

async function ofOne(): Promise<{ text: string; differences: string[] }> {
  const clickhouseServer = values.server === true
  const report = await runKillLoop({ kills: Number(kills), seed: Number(seed), clickhouseServer, onKill: onFault })
  const { crashes, moments, acknowledged, differences } = report
  const ofServer = clickhouseServer ? ` and ${crashes} of the ClickHouse server` : ''
  const kinds = Object.keys(moments).length
  return {
    text: `${report.kills} kills at ${kinds} kinds of moments${ofServer}, ${acknowledged} records acknowledged`,
    differences,
  }
}

async function ofSeveral(instances: number): Promise<{ text: string; differences: string[] }> {
  const report = await runInstancesLoop({ faults: Number(kills), seed: Number(seed), instances, onFault })
  const { faults, takeovers, acknowledged, answers, stale, unanswered, sources, differences } = report
  const kinds = Object.entries(faults).map(([kind, count]) => `${count} ${kind}`)
  const from = Object.entries(sources).map(([source, count]) => `${count} ${source}`)
  return {
    text: [
      `${instances} instances, faults: ${kinds.join(', ')}`,
      `somebody else published ${takeovers} times`,
      `${acknowledged} records acknowledged`,
      `${answers} answers (${from.join(', ')}), ${stale} of them stale, ${unanswered} questions without one`,
    ].join('; '),
    differences,
  }
}
