// How fast the command starts: `--version` beside a package that prints a line, by `npx` where both are installed, and in a
// clone.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Figure } from './figures.ts'
import { measure, median } from './measure.ts'

const AIM = 1.5

export async function benchVersion(rounds: number): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const app = join(folder, 'app')
  const home = join(folder, 'home')
  try {
    mkdirSync(join(app, 'node_modules', '.bin'), { recursive: true })
    mkdirSync(home)
    await installPacked(folder, app)
    installEmpty(app)
    const environment = { HOME: home, npm_config_update_notifier: 'false' }
    const inApp = (command: string) => measure('npx', ['--prefix', app, ...command.split(' ')], environment)
    const runs = {
      empty: () => inApp('empty'),
      installed: () => inApp('token-bridge --version'),
      clone: () => measure('./token-bridge', ['--version'], environment),
    }
    const seconds: Record<keyof typeof runs, number[]> = { empty: [], installed: [], clone: [] }
    // the first round fills the cache of compiled code
    for (let round = -1; round < rounds; round++)
      for (const [name, run] of Object.entries(runs) as [keyof typeof runs, (typeof runs)[keyof typeof runs]][]) {
        const measured = await run()
        if (round >= 0) seconds[name].push(measured.seconds)
      }
    return print(seconds, rounds)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What `npm pack` makes, with the dependencies that are here. */
async function installPacked(folder: string, app: string): Promise<void> {
  await measure('npm', ['pack', '--ignore-scripts', '--pack-destination', folder])
  const [archive] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  await measure('tar', ['-xzf', join(folder, archive as string), '-C', join(app, 'node_modules')])
  const installed = join(app, 'node_modules', 'package')
  symlinkSync(resolve('node_modules'), join(installed, 'node_modules'))
  symlinkSync('../package/bin/token-bridge.js', join(app, 'node_modules', '.bin', 'token-bridge'))
}

function installEmpty(app: string): void {
  const installed = join(app, 'node_modules', 'empty')
  mkdirSync(installed)
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true }')
  writeFileSync(
    join(installed, 'package.json'),
    '{ "name": "empty", "version": "1.0.0", "bin": { "empty": "empty.js" } }',
  )
  writeFileSync(join(installed, 'empty.js'), '#!/usr/bin/env node\nconsole.log(1)\n', { mode: 0o755 })
  symlinkSync('../empty/empty.js', join(app, 'node_modules', '.bin', 'empty'))
}

function print(seconds: Record<'empty' | 'installed' | 'clone', number[]>, rounds: number): readonly Figure[] {
  const [empty, installed, clone] = [median(seconds.empty), median(seconds.installed), median(seconds.clone)]
  const beside = (one: number): string => `${(one * 1000).toFixed(0)} ms (${(one / empty).toFixed(2)} x)`
  process.stdout.write(
    `\n--version, medians of ${rounds} interleaved runs\n` +
      `  npx empty ${(empty * 1000).toFixed(0)} ms\n` +
      `  npx token-bridge --version, installed: ${beside(installed)}; the bar is ${AIM} x\n` +
      `  ./token-bridge --version, in a clone: ${beside(clone)}\n`,
  )
  if (installed > AIM * empty) process.exitCode = 1
  const peer = `\`npx\` of an empty package: ${(empty * 1000).toFixed(0)} ms`
  return [{ what: '`npx token-bridge --version`', ours: beside(installed), peer }]
}
