// Loaded into a server's process before it: what FAULT names happens when something is
// written to its standard input.
import http from 'node:http'
import { createRequire } from 'node:module'
import net from 'node:net'
import { isMainThread } from 'node:worker_threads'

const fault = process.env.FAULT

const FAULTS: Record<string, () => void> = {
  heap() {
    const full: unknown[] = []
    for (;;) full.push(new Array(1000).fill({}))
  },
  throw() {
    throw new Error('planted')
  },
  reject() {
    void Promise.reject(new Error('planted'))
  },
}

if (isMainThread) {
  process.stdin.once('data', () => {
    if (process.env.ENGINE === 'busy') void busy()
    setImmediate(() => FAULTS[fault ?? '']?.())
  })
  process.stdin.unref()
}

// a shutdown that does not come to its end
if (fault === 'hang')
  http.Server.prototype.close = function () {
    process.stderr.write('never closed\n')
    return this
  }

// a start that does not get to its end before it is told
if (fault === 'late') {
  const { listen } = net.Server.prototype
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
    process.stdin.once('data', () => listen.apply(this, args as Parameters<typeof listen>))
    process.stderr.write('not listening yet\n')
    return this
  } as typeof listen
}

// the engine at work: its one connection is kept, to be asked something without end
let connection: { query(params: { query: string }): Promise<unknown> } | undefined
if (isMainThread && process.env.ENGINE === 'busy') {
  const { ChdbConnection } = createRequire(import.meta.url)('chdb/connection')
  const { command } = ChdbConnection.prototype
  ChdbConnection.prototype.command = function (params: unknown) {
    connection = this
    return command.call(this, params)
  }
}

async function busy(): Promise<void> {
  await connection?.query({ query: 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000) FORMAT Null' })
}
