// Loaded into the server's process before it: kills it at a planted moment (KILL_AT=name:before|after:n), or
// breaks some of its steps on purpose (BREAK=name,name), so that the judge can show that it would notice.
import { subscribe } from 'node:diagnostics_channel'
import { registerHooks } from 'node:module'
import { MOMENTS, type Moment } from '../../src/ports/moments.ts'

const [name, when, count] = (process.env.KILL_AT ?? '').split(':')
let left = Number(count ?? 0)

subscribe(MOMENTS, (moment) => {
  const reached = moment as Moment
  if (reached.name !== name || reached.when !== when || --left > 0) return
  // no handler runs, nothing is flushed: as if the machine had lost the process
  process.kill(process.pid, 'SIGKILL')
  // the signal is on its way
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
})

/** Steps that are broken on purpose: a text of the built program, and what stands there instead. */
const BREAKS: Record<string, { file: string; from: string; to: string }> = {
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
