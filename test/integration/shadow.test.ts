// Comparisons of the two sources after answers, and the guard that trips by what they find.
import { appendFileSync, rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { shadowFlags } from '../support/flags.ts'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { line, makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'
import { WRONG_ROW } from '../support/wrong-row.ts'

const scene = useScenes()

const QUESTION = `query ($filter: TokenFilter) {
  tokenMetrics(filter: $filter) {
    tokens { total } byProject { project tokens { total } } sessions { edges { node { id } } } provenance { source reason }
  }
}`
const asked = async ({ server }: Scene, filter: object = {}) => {
  const { data, errors } = await server.ask(QUESTION, { filter }, ['viewer'])
  if (errors !== undefined) throw new Error(errors[0]?.message)
  const { source, reason } = data.tokenMetrics.provenance
  return { tokens: data.tokenMetrics.tokens.total, by: `${source} ${reason}` }
}
const guardOf = async ({ server }: Scene) =>
  (await server.ask('{ guard { tripped reason by consistency comparisons } }', {}, ['operator'])).data.guard

/** Asks until something is so: what is sampled while the machine has much to do is dropped. */
const askUntil = <T>(one: Scene, what: string, look: () => Promise<T | undefined>): Promise<T> =>
  until(what, async () => {
    await asked(one)
    return look()
  })

const figureOf = async ({ server }: Scene, figure: string): Promise<number> => {
  const headers = { authorization: `Bearer ${await server.token(['scraper'])}` }
  const lines = (await (await fetch(`${server.url}/metrics`, { headers })).text()).split('\n')
  return Number(lines.find((one) => one.startsWith(`token_bridge_${figure} `))?.split(' ')[1] ?? 0)
}
const AGREED = 'shadow_comparisons_total{outcome="agreed"}'
const DIFFERED = 'shadow_comparisons_total{outcome="differed"}'

describe('what is compared after answers', () => {
  test('agrees, and a wrong row in the database is found and takes everybody to the files, until it is repaired and reset', async () => {
    const one = await scene({ settings: { FLAGS_FILE: shadowFlags() } })
    const id = await one.migrate()
    const { tokens } = await until('ClickHouse', async () => {
      const answer = await asked(one)
      return answer.by === 'CLICKHOUSE ROLLOUT' ? answer : undefined
    })
    const { consistency } = await askUntil(one, 'a comparison', async () => {
      const guard = await guardOf(one)
      return guard.comparisons === '0' ? undefined : guard
    })
    expect(consistency).toBe(1)

    await one.harm(WRONG_ROW)
    const tripped = await askUntil(one, 'the guard to trip', async () => {
      const guard = await guardOf(one)
      return guard.tripped ? guard : undefined
    })
    expect(tripped).toMatchObject({ by: 'the guard itself', reason: expect.stringContaining('.input is') })
    expect(tripped.consistency).toBeLessThan(1)
    expect(await asked(one)).toEqual({ tokens, by: 'LEGACY GUARD_TRIPPED' })
    expect(one.server.log()).toContain('ClickHouse says something else than the files')
    expect(one.server.log()).toContain('the guard has tripped')

    const { mismatches } = (
      await one.server.ask(
        '{ mismatches(first: 1) { totalCount pageInfo { hasNextPage } edges { node { field control candidate confirmed question } } } }',
        {},
        ['operator'],
      )
    ).data
    expect(mismatches.totalCount).toBeGreaterThan(0)
    const [{ node }] = mismatches.edges
    expect(node).toMatchObject({ confirmed: true, field: expect.stringContaining('.input') })
    expect(Number(node.candidate) - Number(node.control)).toBe(1)
    // what was asked, and nobody's name
    expect(JSON.parse(node.question)).toEqual({
      filter: {},
      groupings: [['project']],
      sessions: true,
      countSessions: false,
    })
    const compare = async () => {
      const settings = { TOKEN_BRIDGE_TOKEN: await one.server.token(['operator'], 'olga') }
      return run(['source', 'compare', '--server', one.server.url], makeFolder(), settings)
    }
    expect(await compare()).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^the whole history: differs, of 40 records.*\n {2}whole\[\S+\]\.input: \d+ in the files, \d+ in ClickHouse\n/,
      ),
    })

    await one.operate(`repairMigration(id: "${id}", dryRun: false) { winnersRebuilt }`)
    await one.completed()
    await one.operate('resetGuard(reason: "repaired") { tripped }')
    await until('ClickHouse', async () => ((await asked(one)).by === 'CLICKHOUSE ROLLOUT' ? true : undefined))
    const after = await askUntil(one, 'comparisons after the repair', async () => {
      const guard = await guardOf(one)
      return Number(guard.comparisons) < 2 ? undefined : guard
    })
    expect(after).toMatchObject({ tripped: false, consistency: 1 })
    expect(await compare()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^(.*: the same, of 40 records.*\n)+$/),
    })
    expect(await figureOf(one, 'shadow_mismatches_confirmed_total')).toBeGreaterThan(0)
    expect(await figureOf(one, AGREED)).toBeGreaterThan(1)
    expect(await figureOf(one, 'guard_tripped')).toBe(0)
  })

  test('agrees while a log grows all the time, and where a log that was shipped is gone', async () => {
    const one = await scene({ settings: { FLAGS_FILE: shadowFlags() } })
    await one.migrate()
    let written = 0
    const write = () =>
      appendFileSync(one.path('p/a.jsonl'), `${line({ id: `msg_more_${written++}`, session: 'a' })}\n`)
    const compared = (least: number) =>
      until(`${least} comparisons`, async () => {
        write()
        await asked(one, { from: '2026-04-01T00:00:00Z', sessionIds: [`s${written}`, 'a', 'b', 'c'] })
        return (await figureOf(one, AGREED)) >= least ? true : undefined
      })
    await compared(2)
    rmSync(one.path('q/c.jsonl'))
    await until('the log to be archived', async () => {
      write()
      await asked(one)
      return (await figureOf(one, 'shadow_ignored_total{rule="archived"}')) >= 1 ? true : undefined
    })
    expect(await figureOf(one, DIFFERED)).toBe(0)
    expect((await guardOf(one)).tripped).toBe(false)

    await one.harm(WRONG_ROW)
    await askUntil(one, 'the guard to trip', async () => ((await guardOf(one)).tripped ? true : undefined))
  })

  test('ends a trip that it made, where that is wanted, once both agree for long enough', async () => {
    const one = await scene({ settings: { FLAGS_FILE: shadowFlags(), GUARD_RESET_AFTER_SECONDS: '1' } })
    const id = await one.migrate()
    await until('ClickHouse', async () => ((await asked(one)).by === 'CLICKHOUSE ROLLOUT' ? true : undefined))
    await one.harm(WRONG_ROW)
    await askUntil(one, 'the guard to trip', async () => ((await guardOf(one)).tripped ? true : undefined))
    await one.operate(`repairMigration(id: "${id}", dryRun: false) { winnersRebuilt }`)
    await one.completed()
    const reset = await askUntil(one, 'the guard to be reset', async () => {
      const guard = await guardOf(one)
      return guard.tripped ? undefined : guard
    })
    expect(reset).toMatchObject({
      by: 'the guard itself',
      reason: expect.stringMatching(/^both sources agreed for \d+ s, \d+ times$/),
    })
    // and who reads the audit log finds both
    const noted = await until('both in the audit log', async () => {
      const asked = '{ auditEntries(first: 10, action: "guard") { edges { node { who action detail } } } }'
      const { edges } = (await one.server.ask(asked, {}, ['operator'])).data.auditEntries
      return edges.length < 2 ? undefined : edges.map(({ node }: { node: object }) => node)
    })
    expect(noted).toEqual([
      { who: null, action: 'guard', detail: 'reset by itself' },
      { who: null, action: 'guard', detail: 'tripped by itself' },
    ])
  })
})
