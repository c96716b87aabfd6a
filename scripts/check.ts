// npm run check: every static check, each with its name; exit code 1 where one fails.
import { spawnSync } from 'node:child_process'

const CHECKS = [
  ['build', 'build'],
  ['types', 'check:types'],
  ['format and lint', 'check:lint'],
  ['who imports whom', 'check:imports'],
  ['dead code', 'check:dead-code'],
  ['schema drift', 'check:schema'],
  ['codegen drift', 'check:codegen'],
  ['supply', 'check:supply'],
] as const

for (const [name, script] of CHECKS) {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', script], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  process.stdout.write(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`,
  )
  if (status === 0) continue
  process.exitCode = 1
  process.stdout.write(`${stdout}${stderr}\n`)
}
