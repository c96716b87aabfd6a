#!/usr/bin/env node
// Refuses a Node that is too old with one clear line, then starts the built program.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * How the server's heap grows: garbage is collected when it has grown by half, not to its fourfold, and what has just
 * come into being gets half the room. A flood of questions takes 100 MB instead of 700 (docs/adr/0018-memory.md).
 */
const SERVER_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=50']

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(
    `token-bridge needs Node 22.15 or newer, this is ${process.versions.node}; run npm ci in a clone, which brings Node 24 along, then npm start or ./token-bridge`,
  )
  process.exit(1)
}
// the process goes on as itself with other flags: V8 takes some of them at its start alone
const [script, command] = process.argv.slice(1)
if (command === 'serve' && !SERVER_FLAGS.every((flag) => process.execArgv.includes(flag)))
  process.execve?.(
    process.execPath,
    [process.execPath, ...SERVER_FLAGS, ...process.execArgv, script, ...process.argv.slice(2)],
    process.env,
  )
// beside the program: Node's own place is below /tmp, where others could put what is then run
module.enableCompileCache?.(fileURLToPath(new URL('../dist/.compile-cache', import.meta.url)))
// a prompt waits for its status line: nothing else is loaded
if (command === 'statusline' && !process.argv.some((arg) => arg === '--help' || arg === '-h')) {
  const { statusline } = await import('../dist/program/statusline.js')
  await statusline(process.argv.slice(3))
} else {
  const { run } = await import('../dist/program/main.js')
  await run(process.argv)
}
