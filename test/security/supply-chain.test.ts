import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { INSTALL_SCRIPTS, type LockFile, type Manifest, supplyMistakes } from '../../scripts/supply.ts'

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const manifest = (): Manifest => read('package.json')
const lock = (): LockFile => read('package-lock.json')

/** What is said about a lock file in which one package is another one. */
function changed(folder: string, change: Partial<LockFile['packages'][string]>): string[] {
  const other = lock()
  other.packages[folder] = { ...other.packages[folder], ...change }
  return supplyMistakes(manifest(), other)
}

describe('what comes from a registry', () => {
  test('is pinned by version and SHA-512, under licences that may be used', () => {
    expect(supplyMistakes(manifest(), lock())).toEqual([])
  })

  test('is refused where it comes from elsewhere, or by no hash, or by a weak one', () => {
    expect(changed('node_modules/ws', { resolved: 'git+ssh://git@example.org/ws.git#0123456' })).toEqual([
      'ws comes from elsewhere than the registry that is set',
    ])
    expect(changed('node_modules/ws', { link: true })).toHaveLength(1)
    expect(changed('node_modules/ws', { integrity: 'sha1-AAAA' })).toEqual(['ws is locked without its SHA-512'])
    expect(changed('node_modules/other', { version: '1.0.0', license: 'MIT' })).toEqual([
      'other is locked without its SHA-512',
    ])
    expect(changed('node_modules/ws', { version: '^8.0.0' })).toEqual(['ws is locked to no exact version'])
  })

  test('is asked for by exact versions alone', () => {
    const loose = manifest()
    for (const version of ['^8.0.0', '8', 'latest', 'github:websockets/ws', 'file:../ws', 'npm:other@1.0.0'])
      expect(supplyMistakes({ ...loose, dependencies: { ...loose.dependencies, ws: version } }, lock())).toEqual([
        'ws has no exact version in package.json',
      ])
  })

  test('has a licence that may be passed on, except what developers alone need', () => {
    expect(changed('node_modules/ws', { license: 'AGPL-3.0-or-later' })).toEqual([
      'ws has the licence AGPL-3.0-or-later',
    ])
    expect(lock().packages['node_modules/unleash-server']).toMatchObject({ dev: true, license: 'AGPL-3.0-or-later' })
  })
})

describe('a program that runs when a package is installed', () => {
  test('is refused where nobody has looked at it', () => {
    expect(changed('node_modules/ws', { hasInstallScript: true })).toEqual([
      'ws has an install script that nobody looked at: scripts/supply.ts',
    ])
  })

  test('is named with whether it may run, and npm is told the same', () => {
    const other = manifest()
    other.allowScripts.ssh2 = true
    expect(supplyMistakes(other, lock())).toEqual(['ssh2 must be false in allowScripts of package.json'])
    delete other.allowScripts.ssh2
    expect(supplyMistakes(other, lock())).toEqual(['ssh2 must be false in allowScripts of package.json'])
    expect(changed('node_modules/ssh2', { hasInstallScript: false })).toEqual([
      'ssh2 has no install script any more: take it out of scripts/supply.ts',
    ])

    // with it, `npx token-bridge` is refused in a clone: npm takes this project for a package that nobody allowed
    expect(readFileSync('.npmrc', 'utf8')).not.toContain('strict-allow-scripts')
  })

  test('is never one that the server needs: its image could be built without any', () => {
    const ofServer = Object.entries(lock().packages)
      .filter(([, it]) => it.hasInstallScript && !it.dev)
      .map(([folder]) => folder.replace('node_modules/', ''))
    expect(ofServer.length).toBeGreaterThan(0)
    for (const name of ofServer) expect(INSTALL_SCRIPTS[name]?.runs, name).toBe(false)
  })
})

test('the bill of materials names every package that is locked', () => {
  const { stdout } = spawnSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8', maxBuffer: 64 << 20 })
  const { components } = JSON.parse(stdout) as { components: { name: string; version: string }[] }
  const named = new Set(components.map(({ name, version }) => `${name}@${version}`))
  for (const [folder, { version }] of Object.entries(lock().packages))
    if (folder !== '') expect(named).toContain(`${folder.split('node_modules/').at(-1)}@${version}`)
})

test('no file that tells where packages come from names a registry', () => {
  for (const path of ['package.json', 'package-lock.json', '.npmrc'])
    expect(readFileSync(path, 'utf8')).not.toMatch(/registry\s*=|"resolved"|:_auth/)
})
