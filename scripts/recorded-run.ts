// npm run recorded-run: the way of a history from the files into ClickHouse, and of users after it, with everything
// real: the program, ClickHouse, Redis where it is given, Unleash and its PostgreSQL. Every answer on the way is
// compared with what was planted. `-- migration` or `-- rollout` records that part alone. Exit code 1 where something
// differs that must not, 2 where there is no such part.
import { type RunningUnleash, runUnleash } from '../test/support/unleash.ts'
import { recordMigration } from './recorded/migration.ts'
import { openRecording, type Recording, say } from './recorded/recording.ts'
import { recordRollout } from './recorded/rollout.ts'
import { longestWait } from './recorded/waiting.ts'

type Part = (recording: Recording, unleash: RunningUnleash) => Promise<void>

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['migration', recordMigration],
  ['rollout', recordRollout],
])

const USAGE = `usage: npm run recorded-run -- [${[...PARTS.keys()].join('] [')}]

Goes the whole way against a real Unleash and compares every answer with what was planted. Takes some minutes; a part's
name runs that part alone. Exit code 1 where something differs that must not.
`
if (process.argv.includes('--help')) {
  process.stdout.write(USAGE)
  process.exit()
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : [...PARTS.keys()]
const unknown = chosen.filter((name) => !PARTS.has(name))
if (unknown.length > 0) {
  process.stderr.write(`there is no part ${unknown.join(', ')}\n${USAGE}`)
  process.exit(2)
}

let failures = 0
const unleash = await runUnleash()
try {
  say('Unleash and its PostgreSQL run')
  for (const name of chosen) {
    const recording = openRecording(name)
    const record = PARTS.get(name) as Part
    await record(recording, unleash).catch((error: Error) => recording.check(`the ${name}`, false, error.message))
    failures += recording.failures()
    recording.remove()
  }
} finally {
  await unleash.stop()
}
say(`the longest wait: ${longestWait()}`)
say(failures === 0 ? 'every figure equals the planted truth' : `${failures} checks failed`)
process.exitCode = failures === 0 ? 0 : 1
