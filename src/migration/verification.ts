import { isDeepStrictEqual } from 'node:util'
import { type Edition, parseEdition } from '../domain/log-name.ts'
import type { LogDifference, Verification } from '../domain/migration.ts'
import { LABEL_FIELDS } from '../domain/record-fields.ts'
import { EVERYTHING, type Scope } from '../domain/scope.ts'
import { SUMS } from '../domain/token-counts.ts'
import type { GroupedRow, RowGroup, ShippableLogs } from '../ports/logs.ts'
import type { DamagedBatch, LogStock, PublishedEvidence } from '../ports/record-store.ts'
import type { LedgerFacts, LogNames } from '../shipping/ledger.ts'

export interface VerificationParts {
  ledger: LedgerFacts & LogNames
  logs: ShippableLogs
  evidence: PublishedEvidence
  now: () => number
}

/** Names of the published logs, by what has become of them. */
export interface PublishedLogs {
  /** On disk, by name in the store. */
  onDisk: ReadonlyMap<string, { key: string; path: string }>
  /**
   * Not on disk any more, shipped by another ledger, or by this one before it lost what it knew of them: they were
   * verified, and stay counted (rule 10).
   */
  archived: string[]
  /** Of this ledger, which does not know them, and not shown by their own evidence to be what was ever verified. */
  surplus: string[]
  /** Of this ledger, which does not know them: archived or surplus, by their own evidence. */
  unknown: string[]
}

/** What was found, and what can be mended of it. */
export interface Findings {
  verification: Verification
  /** Keys of logs to be shipped anew. */
  reship: string[]
  /** Names of logs to be retired. */
  retire: string[]
  rebuildWinners: boolean
  rebuildSums: boolean
  /** Damaged batches of archived logs: only a backup has their records. */
  lost: DamagedBatch[]
  /** Archived logs of which batches or copies are gone: what readers count may be all that is left of them. */
  shortArchived: string[]
}

/** Log days that are looked at line by line. */
const MAX_DRILLED = 20
const MAX_LISTED = 100
const DAY_MS = 86_400_000

/** What is published now. */
export async function publishedLogs({ ledger, logs, evidence }: VerificationParts): Promise<PublishedLogs> {
  const pruned = await logs.archived()
  const goneKeys = new Set(pruned.map(({ key }) => key))
  const onDisk = new Map(
    ledger
      .states()
      .filter(({ key, publishedTo }) => publishedTo > 0 && !goneKeys.has(key))
      .map((state) => [ledger.nameOf(state), { key: state.key, path: state.path }]),
  )
  const known = new Set([...ledger.archived(), ...pruned].map((state) => ledger.nameOf(state)))
  const others = (await evidence.logs()).filter((name) => !onDisk.has(name))
  const unknown = others.filter((name) => ledger.isOwn(name) && !known.has(name))
  const surplus = unknown.length === 0 ? [] : await evidence.unverified(unknown)
  // also one whose batches the database has lost: its rows may still be there
  const gone = [...known].filter((name) => !onDisk.has(name))
  const archived = new Set([...others.filter((name) => !surplus.includes(name)), ...gone])
  return { onDisk, archived: [...archived], surplus, unknown }
}

/** Names of logs that have fewer records than they were published with. */
export function shortLogs(ledger: LedgerFacts & LogNames, stock: readonly LogStock[]): string[] {
  const noted = new Map(stock.map((one) => [one.log, one.noted]))
  const fewer = stock.filter(({ noted, found }) => found < noted).map(({ log }) => log)
  const unnoted = [...ledger.states(), ...ledger.archived()].filter(
    (state) => (noted.get(ledger.nameOf(state)) ?? 0) < (state.records ?? 0),
  )
  return [...fewer, ...unnoted.map((state) => ledger.nameOf(state))]
}

/** So often it is looked anew where logs left the disk meanwhile. */
const MOST_LOOKS = 3

/**
 * Holds what readers count against what the logs say: by log, day, model, session and origin the numbers of records and
 * tokens and a checksum over all rows; where they differ, down to the line. Identities with an archived copy, and those
 * that are not published whole, are left out on both sides. What answers are made of must follow from that. `deep` also
 * reads every copy back, and elects every winner anew.
 *
 * Transcripts may be pruned or replaced meanwhile. Where something was found and the disk has other logs by then, it is
 * looked anew.
 */
export async function verifyPublished(parts: VerificationParts, deep: boolean): Promise<Findings> {
  for (let look = 1; ; look++) {
    const published = await publishedLogs(parts)
    const findings = await verifyOnce(parts, published, deep)
    if (isClean(findings) || look === MOST_LOOKS) return findings
    const { onDisk } = await publishedLogs(parts)
    if (isDeepStrictEqual(onDisk, published.onDisk)) return findings
  }
}

async function verifyOnce(
  parts: VerificationParts,
  { onDisk, archived, surplus }: PublishedLogs,
  deep: boolean,
): Promise<Findings> {
  const { ledger, logs, evidence, now } = parts
  const damaged = deep ? await evidence.damaged() : null
  const winnersDiffer = deep ? await evidence.winnersDiffer() : null
  const sumsDiffer = await evidence.sumsDiffer()
  const short = deep ? shortLogs(ledger, await evidence.stock()) : []
  const shortArchived = archived.filter((name) => short.includes(name))
  const shared = await evidence.sharedBy([...archived, ...surplus])
  const expected = await logs.publishedGroups(shared)
  const without = Buffer.concat([shared, expected.unpublished])
  const found = await evidence.groups(archived, without)
  const named = expected.groups.map((group) => ({ ...group, log: ledger.nameOf(editionOf(group.log)) }))
  const { difference, days } = compare(named, found)
  const differing = [...new Set(days.map(({ log }) => log))]
  const differences: LogDifference[] = []
  for (const { log, day, tokens } of days.slice(0, MAX_DRILLED)) {
    const { key, path } = onDisk.get(log) ?? { key: '', path: log }
    const ofLog = await logs.publishedRows({ key, day }, shared)
    const ofStore = await evidence.rows(log, day, without)
    const { positions, ...counts } = compareRows(ofLog, ofStore)
    const lines = (await logs.linesAt(key, [positions[0] ?? 0, positions.at(-1) ?? 0])) as [number, number]
    const date = new Date(day * DAY_MS).toISOString().slice(0, 10)
    differences.push({ path, day: date, firstLine: lines[0], lastLine: lines[1], ...counts, tokens: String(tokens) })
  }
  const pathOf = (log: string): string => onDisk.get(log)?.path ?? log
  const damagedLogs = new Set((damaged ?? []).map(({ log }) => log))
  const reship = [...new Set([...(winnersDiffer === true ? [] : differing), ...damagedLogs])]
  const lost = (damaged ?? []).filter(({ log }) => !onDisk.has(log) && !surplus.includes(log))
  return {
    verification: {
      at: now(),
      difference: String(difference),
      logsCompared: onDisk.size,
      logsDiffering: differing.slice(0, MAX_LISTED).map(pathOf),
      differences,
      damagedBatches: damaged?.slice(0, MAX_LISTED).map((batch) => describeBatch(batch, pathOf(batch.log))) ?? null,
      winnersDiffer,
      sumsDiffer,
      surplusLogs: surplus.slice(0, MAX_LISTED),
      archivedTokens: String(await evidence.tokensAddedBy(archived, EVERYTHING, NOTHING)),
    },
    reship: reship.flatMap((log) => onDisk.get(log)?.key ?? []),
    retire: surplus,
    // what readers count may be all that is left of archived copies
    rebuildWinners: winnersDiffer === true && lost.length === 0 && shortArchived.length === 0,
    rebuildSums: sumsDiffer === true,
    lost,
    shortArchived,
  }
}

const NOTHING = new Uint8Array(0)

/**
 * What archived copies add to the tokens of the files (rule 10), of what is published and within the scopes, without some
 * identities: 16 bytes each.
 */
export async function archivedTokens(
  parts: VerificationParts,
  access: readonly Scope[],
  without: Uint8Array,
): Promise<bigint> {
  const { archived } = await publishedLogs(parts)
  return parts.evidence.tokensAddedBy(archived, access, without)
}

/** Nothing at all was found. */
export function isClean({ verification: v, reship, retire, lost, shortArchived }: Findings): boolean {
  const found = reship.length + retire.length + lost.length + shortArchived.length + v.logsDiffering.length
  return found === 0 && v.winnersDiffer !== true && v.sumsDiffer !== true && v.difference === '0'
}

/** One line that says where to look. */
export function describeFindings({ verification: v, lost, shortArchived }: Findings): string {
  const [first] = v.differences
  return [
    ...(v.logsDiffering.length > 0
      ? [`ClickHouse and the files differ by ${v.difference} tokens and records in ${v.logsDiffering.length} logs`]
      : []),
    ...(first === undefined ? [] : [`first ${describeDifference(first)}`]),
    ...(v.winnersDiffer === true ? ['what readers count does not follow from the copies'] : []),
    ...(v.sumsDiffer === true ? ['the sums that readers are answered from are not those of what they count'] : []),
    ...((v.damagedBatches?.length ?? 0) > 0
      ? [`${v.damagedBatches?.length} batches are not what was verified, first ${v.damagedBatches?.[0]}`]
      : []),
    ...(v.surplusLogs.length > 0 ? [`${v.surplusLogs.length} logs were never shipped, first ${v.surplusLogs[0]}`] : []),
    ...(shortArchived.length > 0
      ? [`batches or copies of ${shortArchived.length} archived logs are gone: only a backup has them`]
      : []),
    ...(lost.length > 0 ? [`${lost.length} batches are archived and damaged: only a backup has them`] : []),
  ].join('; ')
}

export function describeDifference(one: LogDifference): string {
  const lines = one.firstLine === 0 ? '' : `, lines ${one.firstLine} to ${one.lastLine}`
  return `${one.path}, ${one.day}${lines}: ${one.missing} missing, ${one.surplus} surplus, ${one.altered} altered`
}

const describeBatch = ({ batch, records, found, firstPosition, lastPosition }: DamagedBatch, path: string): string =>
  `${batch} of ${path}, bytes ${firstPosition} to ${lastPosition}: ${found} records found of ${records}`

/** As the groups of the logs name it. */
function editionOf(log: string): Edition {
  const edition = parseEdition(log)
  if (edition === undefined) throw new Error(`${log} is no edition of a log`)
  return edition
}

/** Which days of which logs differ, the largest difference first. */
function compare(
  expected: readonly RowGroup[],
  found: readonly RowGroup[],
): { difference: bigint; days: { log: string; day: number; tokens: bigint }[] } {
  const pairs = new Map<string, [RowGroup | undefined, RowGroup | undefined]>()
  for (const group of expected) pairs.set(nameOf(group), [group, undefined])
  for (const group of found) pairs.set(nameOf(group), [pairs.get(nameOf(group))?.[0], group])
  const days = new Map<string, { log: string; day: number; tokens: bigint }>()
  let difference = 0n
  for (const [a, b] of pairs.values()) {
    const differs = SUMS.reduce((sum, kind) => sum + absolute(BigInt(a?.[kind] ?? 0) - BigInt(b?.[kind] ?? 0)), 0n)
    if (differs === 0n && a?.checksum === b?.checksum) continue
    const { log, day } = (a ?? b) as RowGroup
    const known = days.get(`${day} ${log}`)
    if (known === undefined) days.set(`${day} ${log}`, { log, day, tokens: differs })
    else known.tokens += differs
    difference += differs
  }
  return { difference, days: [...days.values()].sort((a, b) => (a.tokens < b.tokens ? 1 : -1)) }
}

function nameOf(group: RowGroup): string {
  return JSON.stringify([group.log, group.day, ...LABEL_FIELDS.map((field) => group[field])])
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value)

function compareRows(
  ofLog: readonly GroupedRow[],
  ofStore: readonly GroupedRow[],
): Pick<LogDifference, 'missing' | 'surplus' | 'altered'> & { positions: number[] } {
  const stored = new Map(ofStore.map((row) => [row.identity, row]))
  const positions: number[] = []
  let missing = 0
  let altered = 0
  for (const row of ofLog) {
    const held = stored.get(row.identity)
    stored.delete(row.identity)
    if (held === undefined) missing++
    else if (held.content !== row.content || held.position !== row.position) altered++
    else continue
    positions.push(row.position)
  }
  positions.push(...[...stored.values()].map(({ position }) => position))
  return { missing, altered, surplus: stored.size, positions: positions.sort((a, b) => a - b) }
}
