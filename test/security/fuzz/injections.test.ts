import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/access/roles.ts'
import { createSchema } from '../../../src/graphql/schema.ts'
import { type Place, placesOf } from '../../support/every-argument.ts'
import type { GraphQLAnswer } from '../../support/graphql-client.ts'
import { count, useScenes } from '../../support/migration-scene.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { small } from '../../support/small-transcripts.ts'
import { anything } from '../../support/store-records.ts'
import { until } from '../../support/until.ts'

/** What means something to a part that a text may come to. */
const CORPUS: readonly string[] = [
  // SQL, and how ClickHouse takes parameters, formats and settings
  ...["'", "\\'", '\\', '`', "' OR 1=1 --", "'; DROP TABLE copies; --", "') UNION ALL SELECT * FROM system.tables --"],
  ...['/* */ --', '{x:String}', '{identity:Identifier}', ' FORMAT JSON', ' SETTINGS readonly=0', '\\N', '\t\\t'],
  // lines and headers
  ...['a\r\nSet-Cookie: a=b', '\r\n\r\nHTTP/1.1 200 OK', '\n{"level":60,"msg":"forged"}'],
  // paths and templates
  ...['../../../etc/passwd', '..\\..\\x', '/etc/passwd', '%2e%2e%2f', 'file:///etc/passwd', '~root', '.', '..'],
  ...[
    '$'.concat('{7*7}'),
    '{{7*7}}',
    '<%= 7*7 %>',
    '#{7*7}',
    '%s%n%x',
    '$(touch x)',
    '`touch x`',
    '; touch x',
    '| touch x',
  ],
  // GraphQL and JSON
  ...[
    '") { __schema { types { name } } } #',
    '{ viewer { userId } }',
    '"""',
    '"}, "x": {"y": "',
    '__proto__',
    'constructor',
  ],
  // regular expressions
  ...['(a+)+$', '[', '(?<=', '.*', `${'a'.repeat(5000)}!`],
  // terminals
  ...['\x1b[2J\x1b[31m', '\x9b31m', '\u202egnp.exe', 'a\u200bb', '\ud800', '\0', '\x07'],
  // Redis
  ...['\r\nFLUSHALL\r\n', '*1\r\n$8\r\nFLUSHALL\r\n'],
  // pages
  ...['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "javascript:alert('x')", '&lt;'],
  // numbers and nothing
  ...['', '-1', '1e400', 'NaN', '9'.repeat(400), '0x7fffffffffffffff', 'null', 'true'],
]
/** What a terminal, or whoever reads a message, obeys or does not see. */
const OBEYED = /[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u
/** Questions that are put together. */
const AT_ONCE = 16
/** Each argument that is no list is told every third of them, and each text is told to every third: FUZZ_RUNS=1 says all. */
const SHARE = 3
const EVERY_ROLE: Role[] = ['viewer', 'ingester', 'operator']

const METRICS = `{ tokenMetrics { recordCount tokens { total } byProject { project recordCount } byModel { model }
  byUser { user } sessions { edges { node { id recordCount } } } provenance { source } } }`
const ofAnn = async (server: TestServer) => {
  const { data, errors } = await server.ask(METRICS, {}, ['viewer'], { user: 'ann', access: [{ users: ['ann'] }] })
  expect(errors).toBeUndefined()
  return data
}

function check(where: string, { errors, data }: GraphQLAnswer): void {
  for (const { message, extensions } of errors ?? []) {
    expect(extensions.code, where).not.toBe('INTERNAL_SERVER_ERROR')
    expect(message, where).not.toMatch(OBEYED)
    expect(extensions.argument ?? '', where).not.toMatch(OBEYED)
    expect(message, where).not.toMatch(/ at .+:\d+:\d+|node_modules|DB::Exception/)
  }
  for (const { message } of data?.ingestTokenRecords?.rejected ?? []) expect(message, where).not.toMatch(OBEYED)
  expect(JSON.stringify(data ?? null), where).not.toContain('root:x:')
}

/** Says everything, to all arguments together. Returns how many records were accepted. */
async function attack(server: TestServer): Promise<number> {
  const places = placesOf(await createSchema())
  expect(places.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'tokenMetrics(filter.projects)',
      'tokenMetrics.breakdown(timeZone)',
      'tokenMetrics.sessions(after)',
      'ingestTokenRecords(input.records.origin.path)',
      'restoreMigration(name)',
    ]),
  )
  let accepted = 0
  const say = async (place: Place, ...texts: string[]): Promise<void> => {
    const answer = await server.ask(place.document, place.variables(...texts), EVERY_ROLE, { user: 'mallory' })
    check(`${place.name} ${JSON.stringify(texts)}`, answer)
    accepted += answer.data?.ingestTokenRecords?.accepted ?? 0
    // one that is refused hides the others
    if (answer.errors === undefined || texts.length === 1) return
    const middle = texts.length >> 1
    await Promise.all([say(place, ...texts.slice(0, middle)), say(place, ...texts.slice(middle))])
  }
  for (const [i, place] of places.entries()) {
    const texts = process.env.FUZZ_RUNS ? CORPUS : CORPUS.filter((_, n) => (n + i) % SHARE === 0)
    if (place.isInList) await say(place, ...CORPUS)
    else
      for (let at = 0; at < texts.length; at += AT_ONCE)
        await Promise.all(texts.slice(at, at + AT_ONCE).map((text) => say(place, text)))
    // everything else would only be told so
    if (place.name.startsWith('isolate(')) await server.ask('mutation { rejoin { isolated } }', {}, ['operator'])
  }
  return accepted
}

const TABLES =
  'SELECT name, engine, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name'
const NO_BOUNDS = { RATE_COST_PER_MINUTE: '0', RATE_RECORDS_PER_MINUTE: '0', RATE_BYTES_PER_MINUTE: '0' }
const recordsIn = async (server: TestServer): Promise<number> =>
  Number((await server.ask('{ tokenMetrics { recordCount } }')).data.tokenMetrics.recordCount)

describe('a text that means something somewhere, in every argument there is,', () => {
  test('does nothing to what the files answer, and is echoed harmlessly', async () => {
    const server = await startServer(small(), NO_BOUNDS)
    const [before, records] = [await ofAnn(server), await recordsIn(server)]
    const accepted = await attack(server)
    expect(accepted).toBeGreaterThan(100)
    expect(await ofAnn(server)).toEqual(before)
    expect(await recordsIn(server)).toBe(records + accepted)
    for (const line of server.log().split('\n')) expect(line).not.toMatch(OBEYED)
  })

  const scene = useScenes('the embedded engine')

  test('does nothing to ClickHouse, where it is found again as the text that it is', async () => {
    const { server, db, migrate, operate, answered } = await scene({ settings: NO_BOUNDS })
    const id = await migrate()
    await answered('CLICKHOUSE', 80)
    const tables = () => db.query({ name: 'tables', sql: TABLES, row: anything })
    const [before, records, tablesBefore] = [await ofAnn(server), await recordsIn(server), await tables()]
    const accepted = await attack(server)
    await until('all of it to be shipped', async () => {
      const { data } = await server.ask('{ tokenMetrics { recordCount provenance { source } } }')
      const { recordCount, provenance } = data.tokenMetrics
      return provenance.source === 'CLICKHOUSE' && Number(recordCount) === records + accepted ? true : undefined
    })
    expect(await ofAnn(server)).toEqual(before)
    expect(await tables()).toEqual(tablesBefore)
    expect(await count(db, 'winners')).toBe(records + accepted)
    expect(await operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
    const { data } = await server.ask('{ tokenMetrics { byProject { project } } }')
    const projects = data.tokenMetrics.byProject.map(({ project }: { project: string }) => project)
    expect(projects).toEqual(
      expect.arrayContaining(["'; DROP TABLE copies; --", '{x:String}', '\\N', '../../../etc/passwd']),
    )
  })
})
