// What the database does not keep: who was in which arm, and what differed, long ago.
import { expect, test } from 'vitest'
import { useScenes } from '../support/migration-scene.ts'
import { until } from '../support/until.ts'

const scene = useScenes()

test('who was in which arm is deleted after 31 days, mismatches after 91; what was chosen stays', async () => {
  const { db, server } = await scene()
  const entry = (kind: string, day: number): string =>
    `('${JSON.stringify({ kind, day })}', now() - INTERVAL ${day} DAY)`
  const rows = [
    ...[32, 30].map((day) => entry('experiment', day)),
    ...[92, 32].map((day) => entry('mismatch', day)),
    ...['preference', 'guard', 'revocation', 'machine-token'].map((kind) => entry(kind, 4000)),
  ]
  await until('the tables', async () => {
    const { data } = await server.ask('{ guard { tripped } }', {}, ['operator'])
    return data === null ? undefined : true
  })
  await db.command('harm', `INSERT INTO operational_state (entry, told) VALUES ${rows.join(', ')}`)
  await db.command('harm', 'OPTIMIZE TABLE operational_state FINAL')
  const left = await db.query({
    name: 'left',
    sql: 'SELECT entry FROM operational_state WHERE entry LIKE \'%"day"%\' ORDER BY entry',
    row: { parse: (row: unknown) => (row as { entry: string }).entry } as never,
  })
  expect(left).toEqual([
    '{"kind":"experiment","day":30}',
    '{"kind":"guard","day":4000}',
    '{"kind":"machine-token","day":4000}',
    '{"kind":"mismatch","day":32}',
    '{"kind":"preference","day":4000}',
    '{"kind":"revocation","day":4000}',
  ])
})
