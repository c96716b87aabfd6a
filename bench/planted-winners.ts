// SQL that plants what many teams have published: sessions of 200 records over two hours, in three years.

export const DAY_MS = 86_400_000
export const END = Date.UTC(2026, 3, 1)
const YEARS_MS = 3 * 365 * DAY_MS
export const PLANTED_AT_ONCE = 1_000_000

/** One record of each number: of 200 users, 400 projects and 4 models, with a prompt that grows through its session. */
const ROWS = `
  intDiv(number, 200) AS s, number % 200 AS place,
  reinterpretAsUUID(sipHash128(number)) AS identity,
  concat('l/', toString(s % 1000), '#0') AS log, place AS position,
  fromUnixTimestamp64Milli(toInt64(${END - YEARS_MS} + sipHash64(s) % ${YEARS_MS - 7_200_000} + place * 36000), 'UTC') AS time,
  concat('session-', toString(s)) AS session, concat('project-', toString(s % 400)) AS project,
  concat('claude-', toString((s + (place % 10 = 0)) % 4)) AS model, concat('user-', toString(s % 200)) AS user,
  concat('host-', toString(s % 200)) AS host, 'main' AS branch,
  place % 10 AS input, number % 1000 AS output, 20000 + place * (400 + s % 300) AS cache_read, number % 3000 AS cache_creation_5m,
  concat('/p/', toString(s % 1000)) AS path, position AS offset`
const VALUES =
  'log, position, time, session, project, model, user, host, branch, input, output, cache_read, cache_creation_5m, path, offset'

export function plantedSql(from: number, count: number): string[] {
  const rows = `(SELECT ${ROWS} FROM numbers(${from}, ${count}))`
  const batch = 1 + from / PLANTED_AT_ONCE
  return [
    `INSERT INTO copies (identity, batch, run, ${VALUES}) SELECT identity, ${batch}, 'run', ${VALUES} FROM ${rows}`,
    `INSERT INTO batches (batch, version, state, log, run) SELECT ${batch}, 1, 'published', 'l/0#0', 'run'`,
    `INSERT INTO winners (identity, seq, ${VALUES}) SELECT identity, 1, ${VALUES} FROM ${rows}`,
  ]
}
