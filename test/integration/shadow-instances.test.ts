// A wrong row is found by one instance: how long the others still answer from it.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { shadowFlags } from '../support/flags.ts'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'
import { WRONG_ROW } from '../support/wrong-row.ts'

const scene = useScenes()
const AUTH = { AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes' }
const QUESTION = '{ tokenMetrics { tokens { total } provenance { source reason } } }'
const sourceOf = async ({ server }: Scene): Promise<{ source: string; reason: string }> =>
  (await server.ask(QUESTION)).data.tokenMetrics.provenance

test('a wrong row that one instance finds takes everybody to the files on every instance, each with a journal of its own', async () => {
  const folder = makeFolder()
  const first = await scene({ folder, settings: { ...AUTH, FLAGS_FILE: shadowFlags() } })
  await first.migrate()
  const second = await scene({
    folder,
    write: false,
    database: first.database,
    settings: { ...AUTH, DATA_DIR: join(folder, 'second') },
  })
  for (const one of [first, second])
    await until('ClickHouse', async () => ((await sourceOf(one)).source === 'CLICKHOUSE' ? true : undefined))
  await first.harm(WRONG_ROW)
  let lastWrongAt = 0
  const answeredByFiles = (one: Scene) =>
    until('the files', async () => {
      const { source, reason } = await sourceOf(one)
      if (reason === 'GUARD_TRIPPED') return true
      // on a busy machine the files answer now and then, too
      if (source !== 'LEGACY') lastWrongAt = Date.now()
      return undefined
    })
  await Promise.all([answeredByFiles(first), answeredByFiles(second)])
  const found = first.server
    .log()
    .split('\n')
    .filter((one) => one.includes('ClickHouse says something else than the files'))
    .map((one) => JSON.parse(one))[0]
  const comparedAt = new Date(found.time).getTime() - found.ms
  // `SHOW_FIGURES=1`: how long that took; the machine of a test may have much else to do, so there is no limit
  if (process.env.SHOW_FIGURES) console.log(`${lastWrongAt - comparedAt} ms from the first bad comparison on`)
  const { data } = await second.server.ask(
    '{ guard { tripped by } mismatches { totalCount edges { node { field confirmed } } } }',
    {},
    ['operator'],
  )
  expect(data.guard).toEqual({ tripped: true, by: 'the guard itself' })
  await until('the mismatch', async () => {
    const answer = await second.server.ask('{ mismatches { edges { node { field confirmed } } } }', {}, ['operator'])
    return answer.data.mismatches.edges[0]?.node.confirmed === true ? true : undefined
  })
})
