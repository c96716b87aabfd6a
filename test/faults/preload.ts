// Loaded into the server's process before it: kills or stalls it at a planted moment (KILL_AT, STALL_AT:
// name:before|after:n), sets its clock wrong (CLOCK_SHIFT_MS), or breaks some of its steps on purpose (BREAK=name,name),
// so that the judge can show that it would notice.
import { subscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync, writeSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { MOMENTS, type Moment } from '../../src/ports/moments.ts'

/** Hears once of the moment that is planted. */
function at(planted: string | undefined, reached: () => void): void {
  if (planted === undefined) return
  const [name, when, count] = planted.split(':')
  let left = Number(count)
  subscribe(MOMENTS, (message) => {
    const moment = message as Moment
    if (moment.name === name && moment.when === when && --left === 0) reached()
  })
}

/** The signal is on its way. */
const wait = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

at(process.env.KILL_AT, () => {
  // no handler runs, nothing is flushed: as if the machine had lost the process
  process.kill(process.pid, 'SIGKILL')
  wait(10_000)
})
at(process.env.STALL_AT, () => {
  writeSync(1, 'stalled\n')
  process.kill(process.pid, 'SIGSTOP')
  wait(100)
})

const shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0)
if (shiftMs !== 0)
  globalThis.Date = new Proxy(Date, {
    construct: (real, args, target) =>
      Reflect.construct(real, args.length === 0 ? [real.now() + shiftMs] : args, target),
    get: (real, key) => (key === 'now' ? () => real.now() + shiftMs : Reflect.get(real, key)),
  })

/** A place of the built program, and what stands there instead. */
interface Break {
  from: RegExp
  to: string
}

/** Steps that are broken on purpose. */
const BREAKS: Record<string, Break | Break[]> = {
  // after a crash, what was planned is believed to be there
  'no-read-back': { from: /\(await missingOf\(parts\.store, open\.group\)\)/, to: '[]' },
  // the ledger says so before it is so
  'ledger-before-store': {
    from: /(await apply\S*\(store, change, seq\);)\s+(await ledger\.noted\(note, seq\);)/,
    to: '$2 $1',
  },
  // a later run believes that what was rolled back is still published
  'rollback-keeps-ledger': {
    from: /state\.states\.set\(log\.key, \{\s+\.\.\.log,\s+edition: log\.edition \+ 1,\s+publishedTo: 0\s+\}\);/,
    to: 'void log;',
  },
  // what is gone from the database is not looked for: with it, what the others break is mended at the next start
  'no-stock': {
    from: /async function takeStock\(parts\) \{/,
    to: '$& return { lostRecords: 0, lostLogs: [], foreignSegments: [], mended: [] };',
  },
  // whoever stalled and lost the right to publish goes on with it, and whoever has it now does not know its last number
  'no-fence': [
    { from: /\{epoch:UInt64\} >= \(SELECT max\(epoch\) FROM fences\)/, to: 'true' },
    { from: /current\.epoch > epoch/, to: 'false' },
    { from: /fence > epoch/, to: 'false' },
    { from: /found\.changing\?\.seq \?\? 0/, to: '0' },
  ],
  // what a publisher before this one was about to swap in stays there for it
  'no-clearing': { from: /await db\.query\(leftTables\)/, to: '[]' },
  // whoever stalled and lost the right to publish answers as before
  'no-second-look': { from: /head\.epoch === epoch/, to: 'true' },
  // an instance does not look at once for what others have acknowledged
  'no-look': { from: /return catchUp\(\)/, to: 'return undefined' },
  // nothing is broken: what was left alone is tried again sooner, so that tests need not wait
  'short-breakers': { from: /openMs: \w+/, to: 'openMs: 2000' },
  // a reader does not look whether something was published while it read
  'no-head': { from: /after\.epoch === before\.epoch && after\.number === before\.number/, to: 'true' },
}

const broken = (process.env.BREAK ?? '').split(',').flatMap((name) => BREAKS[name] ?? [])
if (broken.length > 0) {
  const places = new Map(broken.map((step) => [step, placeOf(step)]))
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const steps = broken.filter((step) => places.get(step) === url)
      if (steps.length === 0) return loaded
      return { ...loaded, source: steps.reduce((text, { from, to }) => text.replace(from, to), String(loaded.source)) }
    },
  })
}

/** The file of the program that has such a text, once. */
function placeOf({ from }: Break): string {
  const program = new URL('../../dist/program/', import.meta.url)
  const files = readdirSync(program).filter((name) => name.endsWith('.js'))
  const places = files
    .map((name) => new URL(name, program))
    .flatMap((url) => [...readFileSync(url, 'utf8').matchAll(new RegExp(from, 'g'))].map(() => url.href))
  if (places.length !== 1) throw new Error(`${places.length} places of the program have ${from}`)
  return places[0] as string
}
