// Builds dist/: the compiled program, and what lies beside it. With what `npm ci --omit=dev` installs, too.
// JavaScript, so that every Node that can run the program can build it.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Made by `npm run scanner`, and kept beside its source. */
const SCANNER = 'transcripts/claude-code/line-scanner/line-scanner.wasm'

rmSync('dist', { recursive: true, force: true })
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status !== 0) process.exit(1)
cpSync(`src/${SCANNER}`, `dist/${SCANNER}`)
