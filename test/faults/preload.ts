// Loaded into the server's process before it: kills it at a planted moment (KILL_AT=point:before|after:n), or
// breaks some of its steps on purpose (BREAK=name,name), so that the judge can show that it would notice.
import fs, { promises as fsPromises } from 'node:fs'
import { createRequire, registerHooks, syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const [point, when, count] = (process.env.KILL_AT ?? '').split(':')
let left = Number(count ?? 0)

function reached(at: string, moment: 'before' | 'after'): void {
  if (at !== point || moment !== when || --left > 0) return
  // no handler runs, nothing is flushed: as if the machine had lost the process
  process.kill(process.pid, 'SIGKILL')
  // the signal is on its way
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
}

// the ledger's fsync
const { fdatasyncSync } = fs
fs.fdatasyncSync = (fd) => {
  reached('ledger', 'before')
  fdatasyncSync(fd)
  reached('ledger', 'after')
}
syncBuiltinESMExports()

// the journal's fsync
const handle = await fsPromises.open(fileURLToPath(import.meta.url))
const prototype = Object.getPrototypeOf(handle) as { datasync(): Promise<void> }
await handle.close()
const { datasync } = prototype
prototype.datasync = async function (this: unknown) {
  reached('journal', 'before')
  await datasync.call(this)
  reached('journal', 'after')
}

// statements of the embedded engine
const STATEMENTS: [string, RegExp][] = [
  ['mark', /EXCEPT was REPLACE/],
  ['rebuild', /winners_next/],
  ['drop', /DROP PARTITION|ALTER TABLE copies DELETE/],
  ['verify', /AS checksum/],
  ['insert', /INSERT INTO copies/],
  ['read-back', /groupArray/],
  ['note', /INSERT INTO batches/],
  ['publish', /INSERT INTO winners/],
]
// the engine is in the main thread alone: a second one that loads it does not get to its end
const require = createRequire(import.meta.url)
const ChdbConnection = isMainThread ? require('chdb/connection').ChdbConnection : undefined
for (const method of isMainThread ? (['query', 'insert', 'command'] as const) : []) {
  const original = ChdbConnection.prototype[method]
  ChdbConnection.prototype[method] = async function (params: { query: string }) {
    const name = STATEMENTS.find(([, pattern]) => pattern.test(params.query))?.[0] ?? 'other'
    reached(name, 'before')
    const result = await original.call(this, params)
    reached(name, 'after')
    return result
  }
}

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
    file: 'shipping/groups.js',
    from: 'if (group.batches.length > 0)\n            await store.publish(group.batches, seq);\n        ledger.published(seq);',
    to: 'ledger.published(seq);\n        if (group.batches.length > 0)\n            await store.publish(group.batches, seq);',
  },
  // a later run believes that what was rolled back is still published
  'rollback-keeps-ledger': {
    file: 'shipping/ledger.js',
    from: 'states.set(state.key, { ...state, edition: state.edition + 1, publishedTo: 0 });',
    to: 'void state;',
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
