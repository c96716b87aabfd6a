import { parseArgs } from 'node:util'
import { runInstancesLoop } from '../test/faults/instances-loop.ts'
import { runOutage } from '../test/faults/outage.ts'

const HELP = `usage: npm run bench:chaos -- [--minutes 30] [--seed N] [--instances 3] [--outage]

Several servers over one ClickHouse server, Redis, Unleash and journal, under load. They are killed, stopped, robbed of
their folders and given wrong clocks, while each of what they depend on is slow, cut, silent, cut off within answers,
answers noise or as somebody else, fails over or is full. Every answer meanwhile is judged, and at the end everything is
counted by two others: SQL over the table, and a second count of the transcripts. Exit code 1 where anything differs.

With --outage, ClickHouse is away for the minutes instead, and records come in as fast as they are acknowledged.`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    instances: { type: 'string', default: '3' },
    outage: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const numberOf = (name: 'minutes' | 'seed' | 'instances', least: number): number => {
  const number = Number(values[name])
  if (Number.isFinite(number) && number >= least) return number
  process.stderr.write(`bench:chaos: --${name} is a number from ${least} on, not "${values[name]}"\n`)
  process.exit(2)
}

if (values.help) process.stdout.write(`${HELP}\n`)
else if (values.outage) await outage()
else await run()

async function run(): Promise<void> {
  const [minutes, seed, instances] = [numberOf('minutes', 0), numberOf('seed', 0), numberOf('instances', 1)]
  process.stdout.write(`${minutes} minutes with ${instances} instances, seed ${seed}\n`)
  const report = await runInstancesLoop({
    minutes,
    seed,
    instances,
    disturbed: true,
    onFault: (fault, what) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${String(fault).padStart(5)} ${what.padEnd(40)}`)
    },
  })
  const { faults, takeovers, acknowledged, answers, stale, unanswered, codes, sources, differences } = report
  const lines = Object.entries(faults)
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([what, times]) => `  ${String(times).padStart(5)} ${what}\n`)
  const from = Object.entries(sources).map(([source, count]) => `${count} ${source}`)
  process.stdout.write(
    `faults:\n${lines.join('')}` +
      `somebody else published ${takeovers} times\n` +
      `${acknowledged} records acknowledged, ${answers} answers (${from.join(', ')}), ${stale} of them stale, ` +
      `${unanswered} questions without one: ${JSON.stringify(codes)}\n` +
      `${differences.length} differences\n`,
  )
  for (const difference of differences) process.stdout.write(`${difference}\n`)
  process.exitCode = differences.length === 0 ? 0 : 1
}

async function outage(): Promise<void> {
  const [minutes, instances] = [numberOf('minutes', 0), numberOf('instances', 1)]
  const report = await runOutage({ seconds: minutes * 60, instances })
  const { acknowledged, refused, overloaded, perSecond, p99, shippedWithin, differences } = report
  process.stdout.write(
    `ClickHouse away for ${minutes} minutes, ${instances} instances: ${acknowledged} records acknowledged, ` +
      `${Math.round(perSecond)} a second meanwhile, 99 of 100 calls within ${Math.round(p99)} ms, ` +
      `refused: ${JSON.stringify(refused)}; ${overloaded} calls were told to come again; all shipped ${shippedWithin.toFixed(0)} s after it was back; ` +
      `${differences.length} differences\n`,
  )
  for (const difference of differences) process.stdout.write(`${difference}\n`)
  process.exitCode = differences.length === 0 && Object.keys(refused).length === 0 ? 0 : 1
}
