import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { z } from 'zod'
import { BridgeError, invalidArgument, isBridgeError } from '../domain/errors.ts'
import type { Edition } from '../domain/log-name.ts'
import { makeFolder } from '../make-folder.ts'
import { parseBatch, type SavedBatch } from './saved-batch.ts'

/** The format of what is written here; a later one is refused, never misread. */
export const BACKUP_FORMAT = 1

/** As much of it as names it. */
const NAMES = z.object({ key: z.string(), edition: z.number() })
const EDITION = z.custom<Edition>((one) => NAMES.safeParse(one).success)
const MANIFEST = z.object({
  format: z.number(),
  /** RFC 3339. */
  at: z.string(),
  scope: z.enum(['archived', 'all']),
  /** Of the database: the number of its last schema change. */
  schema: z.number(),
  /** Names of the keys that the journal was encrypted with; the keys themselves are in no backup. */
  journalKeys: z.array(z.string()),
  /** What the ledger knew, for a person to look at. */
  ledger: z.object({ id: z.string(), states: z.array(EDITION), archived: z.array(EDITION) }),
  batches: z.number(),
  records: z.number(),
  /** Of all copies, as decimal text. */
  tokens: z.string().regex(/^\d{1,60}$/),
  /** SHA-256 of the file with the records, compressed as it is. */
  sha256: z.string(),
})
export type Manifest = z.infer<typeof MANIFEST>

const NAME = /^\w[\w.-]{0,99}$/
/** Ends the name of a backup that is still being written. */
const PARTIAL = '.partial'
const RECORDS_FILE = 'records.jsonl.gz'
const MANIFEST_FILE = 'manifest.json'

/** The folder of a backup with this name. Throws INVALID_ARGUMENT for a name that is none. */
export function backupPath(folder: string, name: string): string {
  if (!NAME.test(name) || name.endsWith(PARTIAL))
    throw invalidArgument('name', 'letters, digits, _, - and . alone, up to 100')
  return join(folder, name)
}

/** Writes a backup: nothing is under its name before all of it is on disk. */
export async function writeBackup(
  path: string,
  batches: AsyncIterable<SavedBatch>,
  describe: () => Omit<Manifest, 'format' | 'sha256'>,
): Promise<Manifest> {
  if (existsSync(path)) throw new BridgeError('CONFLICT', `there is a backup at ${path}`)
  try {
    return await write(path, batches, describe)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // an error of the disk gets a message here; what is damaged in the database has one already
    if (isBridgeError(error) || typeof code !== 'string') throw error
    throw new BridgeError(
      'STORAGE_UNAVAILABLE',
      `no backup can be written to BACKUP_DIR ${dirname(path)}: ${message}`,
      {
        cause: error,
      },
    )
  }
}

async function write(
  path: string,
  batches: AsyncIterable<SavedBatch>,
  describe: () => Omit<Manifest, 'format' | 'sha256'>,
): Promise<Manifest> {
  const partial = `${path}${PARTIAL}`
  rmSync(partial, { recursive: true, force: true })
  makeFolder(partial)
  const hash = createHash('sha256')
  await pipeline(
    linesOf(batches),
    createGzip({ level: 6 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        yield chunk
      }
    },
    createWriteStream(join(partial, RECORDS_FILE), { mode: 0o600, flush: true }),
  )
  const manifest: Manifest = { format: BACKUP_FORMAT, ...describe(), sha256: hash.digest('hex') }
  await writeDurably(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`)
  renameSync(partial, path)
  return manifest
}

async function* linesOf(batches: AsyncIterable<SavedBatch>): AsyncGenerator<string> {
  for await (const batch of batches) yield `${JSON.stringify(batch)}\n`
}

/** Reads the manifest of a backup, and checks the SHA-256 of all its records. Throws INVALID_ARGUMENT or CONFLICT. */
export async function readManifest(path: string): Promise<Manifest> {
  if (!existsSync(join(path, MANIFEST_FILE))) throw invalidArgument('name', `there is no backup at ${path}`)
  const json = parsedManifest(path)
  const format = z.object({ format: z.number() }).safeParse(json).data?.format ?? 0
  if (format > BACKUP_FORMAT)
    throw damaged(path, `has format ${format}: this release reads up to ${BACKUP_FORMAT}, a later one wrote it`)
  const read = MANIFEST.safeParse(json)
  if (!read.success) throw damaged(path, NO_MANIFEST)
  if ((await sha256Of(path)) !== read.data.sha256)
    throw damaged(path, 'was changed since it was written: nothing was restored')
  return read.data
}

const NO_MANIFEST = 'has a manifest that cannot be read'
const damaged = (path: string, why: string): BridgeError => new BridgeError('CONFLICT', `the backup at ${path} ${why}`)

function parsedManifest(path: string): unknown {
  try {
    return JSON.parse(readFileSync(join(path, MANIFEST_FILE), 'utf8'))
  } catch {
    throw damaged(path, NO_MANIFEST)
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(join(path, RECORDS_FILE))) hash.update(chunk as Buffer)
  } catch (error) {
    throw damaged(path, `has records that cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  return hash.digest('hex')
}

/** Throws CONFLICT where a batch cannot be read. */
export async function* readBatches(path: string): AsyncGenerator<SavedBatch> {
  const text = createReadStream(join(path, RECORDS_FILE)).pipe(createGunzip())
  const lines = createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  for (let number = 1; ; number++) {
    let batch: SavedBatch
    try {
      const { done, value } = await lines.next()
      if (done === true) return
      batch = parseBatch(value)
    } catch (error) {
      throw new BridgeError('CONFLICT', `line ${number} of the records of the backup at ${path} cannot be read`, {
        cause: error,
      })
    }
    yield batch
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
