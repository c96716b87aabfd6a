import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import { readConfig } from '../config.ts'
import { count, grouped } from '../domain/counted.ts'
import { LIMITS } from '../domain/limits.ts'
import { toPlainText } from '../domain/plain-text.ts'
import { TEXTS, type TextField } from '../domain/record-fields.ts'
import type { EveryCount } from '../domain/token-counts.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import { openAnalysis } from '../enhanced-analysis/analysis.ts'
import { indexPathFor } from '../enhanced-analysis/index/index-path.ts'
import { watchRoots } from '../enhanced-analysis/scanning/watching.ts'
import { provideFolder } from '../folders.ts'
import type { LogRange, LogState } from '../ports/logs.ts'
import { lockPathOf, takeLock } from '../process-lock.ts'
import { openLedgerFile } from '../shipping/ledger-file.ts'
import { resolveRoots } from '../transcripts/roots.ts'
import { givenToken, type RemoteOptions, RequestError } from './client.ts'
import type { TokenRecordInput } from './generated.ts'
import { batchesOf, createMistakes, MAX_MISTAKES, type SentRecord, sendBatch } from './send-records.ts'
import { printJson, printLines, tellProblem } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export interface PushOptions extends RemoteOptions {
  server: string
  transcripts?: string
  once?: boolean
}

/** Records that are taken from the logs at a time. */
const ROUND_RECORDS = 10_000
/** Waits so long after a change for more of them: they come in bursts. */
const SETTLE_MS = 200
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000

/**
 * `token-bridge push`: sends what this machine's transcripts add to a remote bridge. What the remote has
 * acknowledged is kept in a ledger, so that it goes on where it was; what is sent twice is counted once there,
 * because records carry the identity and the place that they have here.
 */
export async function push(options: PushOptions): Promise<void> {
  const config = readConfig()
  if (givenToken(options, config) === undefined)
    throw new UsageError('push wants a token of that bridge: set TOKEN_BRIDGE_TOKEN, or name a file by --token-file')
  provideFolder('DATA_DIR', config.dataDir)
  const roots = resolveRoots({
    ...config.transcripts,
    transcriptsDir: options.transcripts ?? config.transcripts.transcriptsDir,
  })
  const target = createHash('sha256').update(new URL(options.server).origin).digest('hex').slice(0, 16)
  const path = join(config.dataDir, 'push', `${target}.ledger`)
  const unlock = takeLock(lockPathOf(path))
  if (unlock === undefined) throw new Error(`another push to ${options.server} is running`)
  const analysis = openAnalysis({
    roots,
    indexPath: indexPathFor(join(config.dataDir, 'push'), roots),
    scanThreads: config.scanThreads,
  })
  const states = new Map<string, LogState>()
  const ledger = openLedgerFile(path, (entry) => {
    for (const state of entry as LogState[]) states.set(state.key, state)
  })
  analysis.shipping.update([...states.values()])
  const told = { accepted: 0, changed: 0 }
  const mistakes = createMistakes()

  const acknowledged = (next: LogState[]): void => {
    ledger.append(next)
    analysis.shipping.update(next)
  }

  const round = async (): Promise<void> => {
    await analysis.refresh()
    for (;;) {
      // under another name everything is sent again: the remote decides by the same rank
      const renamed = analysis.shipping
        .retired()
        .map((state) => ({ ...state, edition: state.edition + 1, publishedTo: 0 }))
      if (renamed.length > 0) acknowledged(renamed)
      const next = analysis.shipping.nextRanges({ journal: false, transcripts: 'all' }, ROUND_RECORDS)
      const ranges = next.map(({ range }) => range)
      if (ranges.length === 0) return
      for await (const batch of batchesOf(recordsOf(ranges, () => told.changed++))) {
        const key = `push:${createHash('sha256').update(JSON.stringify(batch)).digest('hex')}`
        const sent = await sending(options.once === true).execute(() => sendBatch(batch, key, options))
        told.accepted += sent.accepted
        for (const mistake of mistakes.add(sent.mistakes)) tellProblem(`not accepted: ${mistake}`)
      }
      acknowledged(ranges.map(({ state }) => state))
    }
  }

  try {
    if (options.once) await round()
    else await follow(round, roots, config.rescanIntervalMs)
  } finally {
    ledger.close()
    analysis.close()
    unlock()
  }
  const rejected = mistakes.all()
  if (options.json) printJson({ accepted: told.accepted, rejected })
  else printLines([`${count(told.accepted, 'record')} accepted by ${options.server}`])
  if (told.changed > 0)
    tellProblem(
      `${grouped(told.changed)} records have names with characters that control or cannot be seen, or that are too long: sent with U+FFFD for them, or cut`,
    )
  if (rejected.length > MAX_MISTAKES) tellProblem(rejected.at(-1) as string)
  if (rejected.length > 0) process.exitCode = 1
}

/** Goes on until SIGINT or SIGTERM; what is being sent is finished first. */
async function follow(
  round: () => Promise<void>,
  roots: Parameters<typeof watchRoots>[0],
  rescanIntervalMs: number,
): Promise<void> {
  let wake: () => void = () => undefined
  let stopping = false
  const stop = (): void => {
    stopping = true
    wake()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const watching = watchRoots(
    roots,
    () => wake(),
    (problem) => tellProblem(`rescanning only: ${problem}`),
  )
  try {
    while (!stopping) {
      await watching.extend()
      await round()
      await new Promise<void>((resolve) => {
        const rescan = setTimeout(resolve, rescanIntervalMs)
        wake = () => {
          clearTimeout(rescan)
          setTimeout(resolve, stopping ? 0 : SETTLE_MS)
        }
        if (stopping) wake()
      })
    }
  } finally {
    await watching.close()
  }
}

/** Whoever follows waits for the remote for ever; a single run gives up after a while. */
function sending(once: boolean): ReturnType<typeof retry> {
  const policy = retry(
    handleWhen((error) => error instanceof RequestError && error.retryable),
    {
      maxAttempts: once ? 5 : Number.MAX_SAFE_INTEGER,
      backoff: new ExponentialBackoff({ initialDelay: RETRY_MIN_MS, maxDelay: RETRY_MAX_MS }),
    },
  )
  policy.onRetry((reason) => {
    const message = 'error' in reason ? (reason.error as Error).message : 'no answer'
    tellProblem(`trying again: ${message}`)
  })
  return policy
}

async function* recordsOf(ranges: readonly LogRange[], onChanged: () => void): AsyncIterable<SentRecord> {
  for (const { batches } of ranges)
    for (const batch of batches)
      for (const copy of batch) {
        const named = plainNames(copy)
        if (NAMES.some((name) => named[name] !== copy[name])) onChanged()
        yield { record: toInput({ ...copy, ...named }), place: `${copy.path} at byte ${copy.position}` }
      }
}

/** The texts of a record that may hold anything: a session id is checked where it is counted. */
type Name = Exclude<TextField, 'session'>
const NAMES = TEXTS.filter((field): field is Name => field !== 'session')

/** A transcript may have names that a bridge lets nobody bring in: they are made plain, so that no record is lost. */
function plainNames(copy: RecordCopy): Pick<RecordCopy, Name> {
  const name = (text: string): string => toPlainText(text, LIMITS.nameLength.value)
  return {
    project: name(copy.project),
    model: name(copy.model),
    user: name(copy.user),
    host: name(copy.host),
    branch: name(copy.branch),
    // its end tells more than its beginning
    path: toPlainText(copy.path.slice(-LIMITS.pathLength.value), LIMITS.pathLength.value),
  }
}

type Spelled = EveryCount<'input' | 'output' | 'cacheRead' | 'cacheCreation5m' | 'cacheCreation1h', number>

/** What the identity of a copy was made of, which is sent instead. */
type NotOfCopy = 'messageId' | 'requestId'

function toInput(copy: RecordCopy): TokenRecordInput {
  const { input, output, cacheRead, cacheCreation5m, cacheCreation1h }: Spelled = copy
  return {
    sessionId: copy.session,
    project: copy.project,
    model: copy.model,
    occurredAt: new Date(copy.time).toISOString(),
    tokens: {
      input: String(input),
      output: String(output),
      cacheRead: String(cacheRead),
      cacheCreation: String(cacheCreation5m + cacheCreation1h),
      cacheCreation1h: String(cacheCreation1h),
    },
    user: copy.user,
    host: copy.host,
    branch: copy.branch,
    sidechain: copy.sidechain,
    identity: copy.identity,
    origin: { path: copy.path, offset: String(copy.offset) },
  } satisfies Record<Exclude<keyof TokenRecordInput, NotOfCopy>, unknown>
}
