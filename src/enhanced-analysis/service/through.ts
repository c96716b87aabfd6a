import { uncut } from '../../domain/uncut.ts'
import type { CatalogueEntry, ContentDigest, LogRange, LogState, ShippableLogs } from '../../ports/logs.ts'
import type { PublishedInFiles, SourceRequest, TokenSource, UnpublishedRecords } from '../../ports/token-source.ts'
import type { StateToDigest } from '../analysis.ts'
import { createDigesting, type Digested } from '../scanning/digesting.ts'
import { contentHashes, linesAt } from '../scanning/file-content.ts'
import { joined } from './answer-parts.ts'
import type { CallName, Calls } from './calls.ts'

/** Puts a call to the service. `caller` absent: the bridge itself. */
export type Ask = <Name extends CallName>(name: Name, asked: Calls[Name][0], caller?: string) => Promise<Calls[Name][1]>

/** The answers, as they are read from the service: with everything of which the first is asked for, so that it is kept once. */
export function answersThrough(
  ask: Ask,
): Pick<TokenSource, 'answer' | 'asked'> & UnpublishedRecords & PublishedInFiles {
  const asked = <Request extends SourceRequest>(request: Request): Request => ({
    ...request,
    queries: request.queries.map(uncut),
  })
  return {
    asked,
    answer: async (request, caller) => joined(await ask('answer', asked(request), caller)),
    answerUnpublished: async (request, caller) => joined(await ask('answerUnpublished', asked(request), caller)),
    answerPublished: async (request, caller) => joined(await ask('answerPublished', request, caller)),
  }
}

/** The logs, as far as they follow from calls. */
export interface LogsThrough extends Omit<ShippableLogs, 'unshippedBytes' | 'onChange'> {
  /** Reads what must be read to say which log each file is: settles when nothing more can be said. */
  prove(): Promise<void>
}

export interface LogsThroughOptions {
  /** How many threads hash files for a catalogue. */
  threads?: number
  /** Whether there may be something to be proven. */
  hasUnproven?: () => boolean
}

/** What is asked waits until it can be said which log each file is. */
export function logsThrough(ask: Ask, { threads, hasUnproven = () => true }: LogsThroughOptions = {}): LogsThrough {
  const digest = createDigesting()
  let proving: Promise<void> | undefined
  const prove = async (): Promise<void> => {
    if (!hasUnproven()) return
    proving ??= proveAll(ask, digest).finally(() => {
      proving = undefined
    })
    await proving
  }
  const proven: Ask = async (name, asked, caller) => {
    await prove()
    return ask(name, asked, caller)
  }
  /** The states with their digests, which are told to the service, too; without, where a file changed meanwhile. */
  const digested = async (states: readonly StateToDigest[]): Promise<LogState[]> => {
    const found = await digest(states.flatMap((one) => one.digest ?? []))
    if (found.length > 0) await ask('proven', found)
    const byFile = new Map(found.map((one) => [one.key, one]))
    return states.map((one) => withDigests(one, byFile))
  }
  return {
    prove,
    async update(states) {
      await ask('update', states)
      await prove()
    },
    async nextRanges(selection, maxRecords, after) {
      const ranges = await proven('nextRanges', { selection, maxRecords, after })
      const states = await digested(ranges.map(({ range, proof }) => proof ?? { state: range.state }))
      return ranges.map(({ range }, i): LogRange => ({ ...range, state: states[i] as LogState }))
    },
    retired: () => proven('retired', undefined),
    async catalogue() {
      const entries = await proven('catalogue', undefined)
      const unknown = entries.filter(({ sha256 }) => sha256 === '')
      const hashes = await contentHashes(
        unknown.map(({ file, to }) => ({ path: file, to })),
        threads,
      )
      const byKey = new Map(unknown.map(({ key }, i) => [key, hashes[i] as string]))
      return entries.map(
        ({ file: _, ...entry }): CatalogueEntry => ({ ...entry, sha256: byKey.get(entry.key) ?? entry.sha256 }),
      )
    },
    registrations: async (which) =>
      (await digested(await proven('registrations', which))).filter(({ content }) => content !== undefined),
    archived: () => proven('archived', undefined),
    absent: (states) => ask('absent', states),
    elsewhere: () => proven('elsewhere', undefined),
    readable: (keys) => proven('readable', keys),
    publishedGroups: (without) => proven('publishedGroups', without),
    publishedRows: (of, without) => proven('publishedRows', { of, without }),
    async linesAt(key, positions) {
      const path = await ask('pathOf', key)
      return path === undefined ? positions.map(() => 0) : linesAt(path, positions)
    },
    distrust: (keys) => proven('distrust', keys),
    setAside: (refused) => ask('setAside', refused),
  }
}

/** Each proof may show what else must be read: of a file that is not the log that stood there, its beginning. */
async function proveAll(ask: Ask, digest: ReturnType<typeof createDigesting>): Promise<void> {
  for (;;) {
    const unproven = await ask('unproven', undefined)
    const found = unproven.length === 0 ? [] : await digest(unproven)
    // what changed meanwhile is looked at again by the next look
    if (found.length === 0) return
    await ask('proven', found)
  }
}

function withDigests({ state, digest }: StateToDigest, found: ReadonlyMap<string, Digested>): LogState {
  if (digest === undefined) return state
  const digests = new Map(found.get(digest.key)?.digests)
  const whole = (one: ContentDigest | undefined): ContentDigest | undefined =>
    one === undefined || one.sha256 !== '' ? one : { to: one.to, sha256: digests.get(one.to) ?? '' }
  const [content, head] = [whole(state.content), whole(state.head)]
  const { content: _, head: __, ...rest } = state
  if (content === undefined || content.sha256 === '') return rest
  return { ...rest, content, ...(head === undefined || head.sha256 === '' ? {} : { head }) }
}
