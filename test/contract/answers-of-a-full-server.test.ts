// What answers in place of a ClickHouse server, and what a server whose disk is full answers: neither is believed.
import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startClickHouse } from '../../scripts/clickhouse-server.ts'
import { openDatabase } from '../../src/clickhouse/database.ts'
import { PASSWORD, USER } from '../support/clickhouse-server.ts'
import { maySmallDisksBeMounted, mountSmallDisk, smallDiskFolder } from '../support/small-disk.ts'
import { anything } from '../support/store-records.ts'

const open = async (url: string) => {
  const db = await openDatabase({ url, user: USER, password: PASSWORD, database: 'full', folder: '' })
  onTestFinished(() => db.close())
  return db
}
const MEGABYTES = 300

const isAllowed = maySmallDisksBeMounted()

describe('a server whose disk is full', () => {
  test.skipIf(!isAllowed)('answers with all rows, or not at all', async () => {
    const folder = smallDiskFolder()
    const disk = mountSmallDisk(folder, MEGABYTES)
    const server = await startClickHouse({ folder, port: 0, users: [{ name: USER, password: PASSWORD }] })
    onTestFinished(async () => {
      await server.stop()
      disk?.remove()
    })
    const db = await open(server.url)
    const ask = (rows: number, letters: number) =>
      db.query({
        name: 'rows',
        sql: `SELECT number, repeat('x', ${letters}) AS text FROM numbers(${rows})`,
        row: anything,
      })
    expect(await ask(100, 100_000)).toHaveLength(100)
    disk?.fill(1)
    // what is small needs no disk
    expect(await ask(100, 10)).toHaveLength(100)
    await expect(ask(100, 100_000)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringMatching(/of 100 rows of the answer \d+ came/),
    })
    disk?.free()
    expect(await ask(100, 100_000)).toHaveLength(100)
  })

  test.skipIf(!isAllowed)('is asked for no table, of which it would keep nothing: it starts again', async () => {
    const folder = smallDiskFolder()
    const disk = mountSmallDisk(folder, MEGABYTES)
    const start = () => startClickHouse({ folder, port: 0, users: [{ name: USER, password: PASSWORD }] })
    let server = await start()
    onTestFinished(async () => {
      await server.stop()
      disk?.remove()
    })
    const db = await open(server.url)
    const make = (name: string) => db.command('make', `CREATE TABLE ${name} (identity UUID) ENGINE = Memory`)
    await make('first')
    disk?.fill(1)
    for (const change of [make('second'), db.command('alter', 'ALTER TABLE first ADD COLUMN a UUID')])
      await expect(change).rejects.toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        message: expect.stringMatching(/disk .* is full/),
      })
    await server.stop()
    disk?.free()
    server = await start()
    await (await open(server.url)).ask()
  })
})

describe('somebody else who answers 200 in place of a server', () => {
  test('is not believed, whatever the statement', async () => {
    const stranger = createServer((_, response) => response.writeHead(200).end('<p>Please sign in.'))
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void stranger.close())
    const { port } = stranger.address() as { port: number }
    await expect(open(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('no ClickHouse server'),
    })
  })
})
