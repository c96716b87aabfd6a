// Loaded into the server's process before it: kills or stalls it at a planted moment (KILL_AT, STALL_AT:
// name:before|after:n), sets its clock wrong (CLOCK_SHIFT_MS), or breaks some of its steps on purpose (BREAK=name,name),
// so that the judge can show that it would notice.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
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

/** A text of the built program, and what stands there instead. */
interface Break {
  file: string
  from: string
  to: string
}

/** Steps that are broken on purpose. */
const BREAKS: Record<string, Break | Break[]> = {
  // after a crash, what was planned is believed to be there
  'no-read-back': {
    file: 'shipping/groups.js',
    from: 'const missing = await missingOf(parts.store, open.group);',
    to: 'const missing = [];',
  },
  // the ledger says so before it is so
  'ledger-before-store': {
    file: 'shipping/publication.js',
    from: 'await apply(store, change, seq);\n    await ledger.noted(note, seq);',
    to: 'await ledger.noted(note, seq);\n    await apply(store, change, seq);',
  },
  // a later run believes that what was rolled back is still published
  'rollback-keeps-ledger': {
    file: 'shipping/ledger-state.js',
    from: 'state.states.set(log.key, { ...log, edition: log.edition + 1, publishedTo: 0 });',
    to: 'void log;',
  },
  // what is gone from the database is not looked for: with it, what the others break is mended at the next start
  'no-stock': {
    file: 'migration/stock.js',
    from: 'export async function takeStock(parts) {',
    to: 'export async function takeStock(parts) { return { lostRecords: 0, lostLogs: [], foreignSegments: [], mended: [] };',
  },
  // whoever stalled and lost the right to publish goes on with it, and whoever has it now does not know its last number
  'no-fence': [
    { file: 'statements/fence.js', from: "'{epoch:UInt64} >= (SELECT max(epoch) FROM fences)'", to: "'true'" },
    { file: 'clickhouse/record-store.js', from: 'current.epoch > epoch', to: 'false' },
    { file: 'shipping/shared-ledger.js', from: 'fence > epoch', to: 'false' },
    { file: 'shipping/ledger-sharing.js', from: 'found.changing?.seq ?? 0', to: '0' },
  ],
  // what a publisher before this one was about to swap in stays there for it
  'no-clearing': { file: 'clickhouse/right-to-publish.js', from: 'await db.query(leftWinners)', to: '[]' },
  // whoever stalled and lost the right to publish answers as before
  'no-second-look': { file: 'composition/publishing-side.js', from: 'head.epoch === epoch', to: 'true' },
  // an instance does not look at once for what others have acknowledged
  'no-look': { file: 'journal/catching-up.js', from: 'return catchUp()', to: 'return undefined' },
  // a reader does not look whether something was published while it read
  'no-head': {
    file: 'shipping/following.js',
    from: 'after.epoch === before.epoch && after.number === before.number',
    to: 'true',
  },
}
const broken = (process.env.BREAK ?? '').split(',').flatMap((name) => BREAKS[name] ?? [])
if (broken.length > 0)
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const steps = broken.filter(({ file }) => url.endsWith(file))
      if (steps.length === 0) return loaded
      let source = String(loaded.source)
      for (const { file, from, to } of steps) {
        if (!source.includes(from)) throw new Error(`${file} has no ${from}`)
        source = source.replace(from, to)
      }
      return { ...loaded, source }
    },
  })
