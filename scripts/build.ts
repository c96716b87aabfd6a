// Builds dist/: the line scanner, the compiled program, and what lies beside it.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'

function run(...args: string[]): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

rmSync('dist', { recursive: true, force: true })
run('scripts/build-line-scanner.ts')
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json')
const scanner = 'enhanced-analysis/line-scanner/line-scanner.wasm'
cpSync(`src/${scanner}`, `dist/${scanner}`)
