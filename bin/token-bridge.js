#!/usr/bin/env node
// Refuses a Node that is too old with one clear line, then starts the built program.
import module from 'node:module'
import v8 from 'node:v8'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(
    `token-bridge needs Node 22.15 or newer, this is ${process.versions.node}; run it through npm (npm start, npx token-bridge), which brings Node 24 along`,
  )
  process.exit(1)
}
// garbage is collected when a heap has grown by half, not to its fourfold: a flood of questions takes less memory
v8.setFlagsFromString('--heap-growing-percent=50')
module.enableCompileCache?.()
const { run } = await import('../dist/cli/main.js')
await run(process.argv)
