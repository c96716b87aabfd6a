// npm run check: every static check, each with its name; exit code 1 where one fails.
import { spawnSync } from 'node:child_process'

const CHECKS: [name: string, ...command: string[]][] = [
  ['build', process.execPath, 'scripts/build.ts'],
  ['types', 'tsc', '--noEmit'],
  ['format and lint', 'biome', 'ci', '--error-on-warnings', '.'],
  ['who imports whom', 'depcruise', '--config', '.dependency-cruiser.cjs', 'src'],
  ['dead code', 'knip'],
  ['schema drift', process.execPath, 'scripts/emit-schema.ts', '--check'],
  ['codegen drift', 'graphql-codegen', '--config', 'codegen.yml', '--check'],
]

let failed = 0
for (const [name, command, ...args] of CHECKS) {
  const started = performance.now()
  // the path has node_modules/.bin: npm runs this script
  const { status, stdout, stderr } = spawnSync(command as string, args, { encoding: 'utf8' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`)
  if (status === 0) continue
  failed++
  process.stdout.write(`${stdout}${stderr}\n`)
}
process.exitCode = failed === 0 ? 0 : 1
