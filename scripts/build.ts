// Builds dist/: the line scanner, the compiled program, and what lies beside it.
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'inherit' })

rmSync('dist', { recursive: true, force: true })
run(process.execPath, 'scripts/build-line-scanner.ts')
run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json')
const scanner = 'enhanced-analysis/line-scanner/line-scanner.wasm'
cpSync(`src/${scanner}`, `dist/${scanner}`)
