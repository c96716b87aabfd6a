import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readBatches, readManifest, writeBackup } from '../../../src/backup/backup-folder.ts'
import type { SavedBatch } from '../../../src/backup/saved-batch.ts'
import { isBridgeError } from '../../../src/domain/errors.ts'
import { summarize } from '../../../src/shipping/batch-summary.ts'
import { damage, misshape, runs } from '../../support/mutations.ts'
import { copy } from '../../support/store-records.ts'
import { makeFolder } from '../../support/transcripts.ts'

async function written() {
  const path = join(makeFolder(), 'backup')
  const records = [copy({ id: 'a' }), copy({ id: 'b', position: 1 })]
  const batch: SavedBatch = { log: 'log', run: 'live', digest: summarize('log', records).digest, records }
  async function* batches() {
    yield batch
    yield { ...batch, log: 'other', digest: summarize('other', records).digest }
  }
  await writeBackup(path, batches(), () => ({
    at: '2026-04-02T09:15:03.120Z',
    scope: 'all',
    schema: 1,
    journalKeys: ['00'],
    ledger: { id: 'l', states: [], archived: [] },
    batches: 2,
    records: 4,
    tokens: '4',
  }))
  const files = ['manifest.json', 'records.jsonl.gz'] as const
  const bytes = files.map((name) => [name, readFileSync(join(path, name))] as const)
  const restore = (): void => {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path)
    for (const [name, content] of bytes) writeFileSync(join(path, name), content)
  }
  return { path, restore }
}

async function readAll(path: string) {
  const manifest = await readManifest(path)
  const batches = []
  for await (const batch of readBatches(path)) batches.push(batch)
  return { manifest, batches }
}

/** All that there is to read, or nothing and an error that may be told. */
async function readOrRefused(path: string): Promise<Awaited<ReturnType<typeof readAll>> | undefined> {
  try {
    return await readAll(path)
  } catch (error) {
    expect(isBridgeError(error), String((error as Error).stack)).toBe(true)
    expect(['CONFLICT', 'INVALID_ARGUMENT', 'STORAGE_UNAVAILABLE']).toContain((error as { code: string }).code)
    return undefined
  }
}

test('a backup whose files are damaged in any way is refused, or is the one that was written', async () => {
  const { path, restore } = await written()
  const expected = await readAll(path)
  const name = fc.constantFrom('manifest.json', 'records.jsonl.gz')
  await fc.assert(
    fc.asyncProperty(name, fc.option(damage), async (file, harm) => {
      restore()
      const bytes = readFileSync(join(path, file))
      rmSync(join(path, file))
      // `null`: it is gone
      if (harm !== null) writeFileSync(join(path, file), harm(bytes))
      const read = await readOrRefused(path)
      if (harm === null) expect(read).toBeUndefined()
      if (read !== undefined) expect(read.batches).toEqual(expected.batches)
      expect(existsSync(path)).toBe(true)
    }),
    runs(120),
  )
})

test('a backup of any shape, whose checksum is right, is refused or has batches whose records have every field', async () => {
  const { path, restore } = await written()
  const expected = await readAll(path)
  const fields = Object.entries(expected.batches[0]?.records[0] ?? {}).map(([field, value]) => [field, typeof value])
  const lines = gunzipSync(readFileSync(join(path, 'records.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n')
  await fc.assert(
    fc.asyncProperty(misshape, fc.option(misshape), async (change, changeManifest) => {
      restore()
      const line = JSON.stringify(change(JSON.parse(lines[0] as string))) ?? ''
      const bytes = gzipSync([line, ...lines.slice(1)].map((one) => `${one}\n`).join(''))
      writeFileSync(join(path, 'records.jsonl.gz'), bytes)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const manifest = { ...expected.manifest, sha256 }
      const told = changeManifest === null ? manifest : changeManifest(manifest)
      writeFileSync(join(path, 'manifest.json'), JSON.stringify(told) ?? '')
      const read = await readOrRefused(path)
      for (const { log, run, digest, records } of read?.batches ?? []) {
        for (const one of [log, run, digest]) expect(one).toBeTypeOf('string')
        for (const record of records as unknown as Record<string, unknown>[])
          for (const [field = '', type] of fields) expect(typeof record[field], field).toBe(type)
      }
    }),
    runs(120),
  )
})
