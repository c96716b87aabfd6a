// Builds dist/: the line scanner, the compiled program, and what lies beside it.
// JavaScript, so that every Node that can run the program can build it.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import asc from 'assemblyscript/asc'

const SCANNER = 'transcripts/claude-code/line-scanner'

rmSync('dist', { recursive: true, force: true })

// AssemblyScript to WebAssembly, beside its source, where tests find it
const { error, stderr } = await asc.main([
  `src/${SCANNER}/assembly/index.ts`,
  '--outFile',
  `src/${SCANNER}/line-scanner.wasm`,
  '-O3',
  '--noAssert',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--enable',
  'bulk-memory',
])
if (error !== null) {
  process.stderr.write(`${stderr.toString()}\n${error.message}\n`)
  process.exit(1)
}

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status !== 0) process.exit(1)
cpSync(`src/${SCANNER}/line-scanner.wasm`, `dist/${SCANNER}/line-scanner.wasm`)
