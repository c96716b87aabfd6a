import { digestVersion } from '../domain/digest-version.ts'
import { isJournalKey, isJournalName, parseLogName } from '../domain/log-name.ts'
import { toldSince } from '../domain/record-fields.ts'
import type { LogState, ShippableLogs } from '../ports/logs.ts'
import type { LogStock, PublishedBatch, PublishedEvidence } from '../ports/record-store.ts'
import type { Ledger } from '../shipping/ledger.ts'
import type { Publish } from '../shipping/publication.ts'
import { type DatabaseLosses, NO_LOG, NOTHING_LOST } from '../shipping/shared-entries.ts'
import { publishedLogs, shortLogs } from './verification.ts'

/** What was found, and what was begun to be mended, in words. */
export interface Stock extends DatabaseLosses {
  mended: string[]
}

export interface StockParts {
  ledger: Ledger
  logs: ShippableLogs
  evidence: PublishedEvidence
  publish: Publish
  now: () => number
}

/**
 * Looks, at the start and before a run, whether the database has fewer rows than its batches and the ledger say. It
 * reads a few columns, so it notices what is gone, not what was altered (that is for a verification). What the files
 * still have is shipped anew, what readers count is chosen anew from the copies; nothing is ever taken out for it. So are
 * logs that a release shipped which did not have all fields of today: until they are, the files answer.
 * To be called while nothing is shipped, and what a crash left halfway is settled.
 */
export async function takeStock(parts: StockParts): Promise<Stock> {
  const { ledger, logs, evidence, publish } = parts
  const stock = await evidence.stock()
  const mended = adoptUnknown(ledger, stock, await unverifiedOf(parts, stock))
  if (mended.length > 0) await logs.update(ledger.states())
  const brought = await bringBackRetired(parts)
  if (brought > 0) mended.push(`${brought} editions count again: their logs were lost before they were shipped anew`)

  const { onDisk, archived } = await publishedLogs(parts)
  const isGivenUp = await givenUp(parts)
  const short = new Set(shortLogs(ledger, stock).filter((log) => !isGivenUp(log)))
  const lostLogs = archived.filter((name) => short.has(name))
  const stepped = await stepBack(
    parts,
    stock,
    [...onDisk].filter(([name]) => short.has(name)),
  )
  if (stepped.size > 0)
    mended.push(`the database is older than the ledger: ${stepped.size} logs go on from where it has them`)
  const outdated = new Set((await outdatedLogs(evidence)).filter((log) => !isGivenUp(log)))
  for (const [names, why] of [
    [short, 'of which the database lost records'],
    [outdated, 'that an earlier release shipped, without fields of today,'],
  ] as const) {
    const reship = [...onDisk].filter(([name]) => names.has(name) && !stepped.has(name)).map(([, { key }]) => key)
    if (reship.length === 0) continue
    mended.push(`${reship.length} logs ${why} are shipped anew`)
    await logs.distrust(reship)
  }
  // where copies are gone, their winners may be all that is left of them: only what is missing is added
  if (short.size > 0) await publish({ change: { kind: 'electMissing' }, note: NO_LOG })
  else {
    const why = await whyElectAnew(evidence)
    if (why !== undefined) {
      mended.push(`what readers count was chosen anew from the copies: ${why}`)
      await publish({ change: { kind: 'rebuildWinners' }, note: NO_LOG })
    }
  }
  if (await evidence.sumsAreBehind()) {
    mended.push('the sums that readers are answered from were made anew')
    await publish({ change: { kind: 'rebuildSums' }, note: NO_LOG })
  }
  const gone = stock.filter(({ log }) => lostLogs.includes(log)).reduce((sum, one) => sum + one.noted - one.found, 0)
  const lostRecords = lostLogs.length === 0 ? 0 : Math.max(0, gone - (await evidence.countedWithoutCopy(lostLogs)))
  return { lostRecords, lostLogs, foreignSegments: foreignSegments(ledger, stock), mended }
}

/**
 * A database that was given back older has less of these logs, and says so itself: what it has is whole. They go on from
 * there, and nothing of it is shipped again. Returns their names.
 */
async function stepBack(
  { ledger, logs }: StockParts,
  stock: readonly LogStock[],
  short: readonly [name: string, log: { key: string }][],
): Promise<Set<string>> {
  const older = ledger.olderStates()
  if (older === undefined) return new Set()
  const byName = new Map(stock.map((one) => [one.log, one]))
  const states = short.flatMap(([name, { key }]): LogState[] => {
    const state = ledger.state(key) as LogState
    const then = older.get(key)
    const before = then?.edition === state.edition ? then : { ...state, publishedTo: 0, records: 0 }
    const { noted, found } = byName.get(name) ?? { noted: 0, found: 0 }
    return noted === found && noted === before.records ? [before] : []
  })
  ledger.register(states)
  await logs.update(states)
  return new Set(states.map((state) => ledger.nameOf(state)))
}

/**
 * Of which logs the database may have less than the ledger says without a loss: a rollback, and the retirement of an
 * edition, are noted in the ledger after the database has carried them out. One that was cut off goes on later.
 */
async function givenUp({ ledger, logs }: StockParts): Promise<(log: string) => boolean> {
  const isRollingBack = ledger.migrations().at(-1)?.state === 'ROLLING_BACK'
  const toRetire = new Set((await logs.retired()).map((state) => ledger.nameOf(state)))
  return (log) => toRetire.has(log) || (isRollingBack && !isJournalName(log))
}

/** Releases before this one counted the larger copy, whoever brought it in. */
async function whyElectAnew(evidence: PublishedEvidence): Promise<string | undefined> {
  if (await evidence.hasFewerWinners()) return 'some were missing'
  if (await evidence.ownersDiffer()) return 'of what several users brought in, the first one owns it now'
  return undefined
}

/** Logs with a batch that says less of its records than this release would, if it read the log again. */
async function outdatedLogs(evidence: PublishedEvidence): Promise<string[]> {
  const since = { journal: toldSince('journal'), transcripts: toldSince('transcripts') }
  const isOutdated = ({ digest, log }: PublishedBatch): boolean =>
    digestVersion(digest) < (isJournalName(log) ? since.journal : since.transcripts)
  return (await evidence.batches()).filter(isOutdated).map(({ log }) => log)
}

/** The database's stock, as it was when it was looked at last. */
export interface StockTaking {
  /** Looks again. To be called while nothing is shipped. */
  take(): Promise<Stock>
  latest(): Stock
}

/** `tell` hears of each look. */
export function createStockTaking(parts: StockParts, tell: (stock: Stock) => void): StockTaking {
  let latest: Stock = { ...NOTHING_LOST, mended: [] }
  return {
    async take() {
      latest = await takeStock(parts)
      const { mended: _, ...losses } = latest
      await parts.ledger.tellLosses(losses)
      tell(latest)
      return latest
    },
    latest: () => latest,
  }
}

/**
 * An edition is retired when its log is about to be shipped anew (it was renamed, or mended). Where the log was lost
 * before that, what was verified of it counts again.
 */
async function bringBackRetired({ ledger, logs, evidence, publish }: StockParts): Promise<number> {
  const retired = (await evidence.retired()).filter(({ log }) => ledger.isOwn(log))
  const byKey = Map.groupBy(retired, ({ log }) => ledger.parseName(log).key)
  const readable = new Set(byKey.size === 0 ? [] : await logs.readable([...byKey.keys()]))
  let brought = 0
  for (const [key, batches] of byKey) {
    const shippedTo = ledger.state(key)?.publishedTo ?? 0
    const latest = Math.max(...batches.map(({ log }) => ledger.parseName(log).edition))
    const ofLatest = batches.filter(({ log }) => ledger.parseName(log).edition === latest)
    const lastPosition = Math.max(...ofLatest.map((batch) => batch.lastPosition ?? 0))
    if (readable.has(key) || shippedTo > lastPosition) continue
    const edition = await evidence.intact(ofLatest)
    if (edition.length === 0) continue
    const records = edition.reduce((sum, batch) => sum + batch.records, 0)
    const editions = [{ key, edition: latest, ...UNKNOWN, records, publishedTo: lastPosition + 1 }]
    await publish({ change: { kind: 'publish', batches: edition }, note: { kind: 'restored', editions } })
    brought++
  }
  return brought
}

function foreignSegments(ledger: Ledger, stock: readonly LogStock[]): LogState[] {
  return stock.flatMap(({ log, noted, lastPosition }) => {
    const name = parseLogName(log)
    if (name === undefined || !isJournalKey(name.key) || ledger.isOwn(log)) return []
    const { key, edition } = name
    return [{ key, edition, ...UNKNOWN, records: noted, publishedTo: lastPosition + 1 }]
  })
}

const unverifiedOf = ({ ledger, evidence }: StockParts, stock: readonly LogStock[]): Promise<string[]> => {
  const own = stock.map(({ log }) => log).filter((log) => ledger.isOwn(log))
  const known = new Set([...ledger.states(), ...ledger.archived()].map((state) => ledger.nameOf(state)))
  const unknown = own.filter((log) => !known.has(log))
  return unknown.length === 0 ? Promise.resolve([]) : evidence.unverified(unknown)
}

/**
 * A ledger that is older than its database (a backup of it was given back) does not know editions that it shipped
 * itself, or not all of them. They were verified: they count as archived, and their logs begin a new edition.
 */
function adoptUnknown(ledger: Ledger, stock: readonly LogStock[], unverified: readonly string[]): string[] {
  const known = new Map([...ledger.states(), ...ledger.archived()].map((state) => [ledger.nameOf(state), state]))
  const adopted: LogState[] = []
  for (const { log, noted, lastPosition } of stock) {
    if (!ledger.isOwn(log) || unverified.includes(log)) continue
    const state = known.get(log)
    const expected = state === undefined ? 0 : (state.records ?? noted)
    if (noted <= expected) continue
    const { publishedTo } = state ?? UNKNOWN
    const edition = state ?? { ...ledger.parseName(log), ...UNKNOWN }
    adopted.push({ ...edition, records: noted, publishedTo: Math.max(publishedTo, lastPosition + 1) })
  }
  if (adopted.length === 0) return []
  const next = new Map<string, LogState>()
  for (const { key, edition } of adopted) {
    const state = next.get(key) ?? ledger.state(key) ?? { key, edition: 0, ...UNKNOWN }
    const { records: _, tail: __, unreadable: ___, ...rest } = state
    next.set(key, { ...rest, edition: Math.max(state.edition, edition + 1), publishedTo: 0 })
  }
  const behind = [...next.values()].filter(({ key, edition }) => edition > (ledger.state(key)?.edition ?? -1))
  ledger.adopted(adopted, behind)
  return [`the ledger is older than the database: ${adopted.length} editions of logs that it did not know stay counted`]
}

/** Of an edition of which the name alone is known. */
const UNKNOWN = {
  path: '',
  relativePath: '',
  fingerprint: { counted: 0, sha256: '' },
  publishedTo: 0,
} satisfies Omit<LogState, 'key' | 'edition'>
