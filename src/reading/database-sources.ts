import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { mergeAnswers } from '../domain/merge-answers.ts'
import type { Scope } from '../domain/scope.ts'
import type { DataSource } from '../domain/source.ts'
import { sumsIn } from '../domain/sums-in.ts'
import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'
import { uncut } from '../domain/uncut.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { PublishedQuery, PublishedRecords, StatementTurn } from '../ports/record-store.ts'
import type { SourceAnswer, SourceHealth, TokenSource, UnpublishedRecords } from '../ports/token-source.ts'
import { finishInSlices, turnOf } from '../turns/event-loop.ts'
import type { InTurn } from '../turns/in-turn.ts'
import { besideIn, mergeCuts } from './merge-cuts.ts'
import { withPrices } from './priced-by.ts'
import { askWithCopiesBeyond, type BeyondParts } from './with-copies-beyond.ts'

export interface DatabaseSourcesOptions {
  files: TokenSource & UnpublishedRecords
  published: PublishedRecords
  prices: PriceList
  /** Runs while nothing is published, so that all that is read is of one moment. */
  read: <T>(run: () => Promise<T>) => Promise<T>
  /** Runs questions of several callers in turn; absent: all at once. */
  inTurn?: InTurn
  /** Runs the statements of these questions in turn; absent: all at once. */
  statementInTurn?: InTurn
  /**
   * What archived copies add to the tokens of the files, of what is published and within one of the scopes, without some
   * identities: 16 bytes each.
   */
  archivedTokens: (access: readonly Scope[], without: Uint8Array) => Promise<bigint>
  logsBeyond: BeyondParts['logsBeyond']
  /** Moves when what readers see is switched. */
  generation: () => number
  /** Publications so far. */
  seq: () => number
  health: () => SourceHealth
}

const WHOLE: TokenQuery = { filter: {}, groupings: [] }
const NOTHING = new Uint8Array(0)

/** What is published in ClickHouse, alone. */
export function createClickHouseSource(options: DatabaseSourcesOptions): TokenSource {
  const { files, published, read, archivedTokens, inTurn = atOnce, statementInTurn = atOnce } = options
  const described = describe('CLICKHOUSE', options)
  return {
    ...described,
    answer: ({ queries, access, quality, generation }, caller = '') =>
      inRead(inTurn, read, caller, async () => {
        // what was all published may not be any more
        if (generation !== undefined && generation !== options.generation())
          throw new BridgeError('SOURCE_UNAVAILABLE', 'what is published was switched meanwhile')
        const { watermark, asOf } = described.counted() ?? { watermark: '', asOf: Date.now() }
        const asked = quality ? [...queries, WHOLE] : queries
        const found = await published.answer({ queries: asked, access }, NOTHING, (run) => statementInTurn(caller, run))
        const answers = found.map((answer, i) => withPrices(answer, asked[i] as TokenQuery, options.prices))
        const ofFiles = quality ? await files.answer({ queries: [], access, quality }, caller) : undefined
        const archived = quality ? await archivedTokens(access, NOTHING) : 0n
        return finish(answers, queries.length, ofFiles, archived, { asOf, watermark })
      }),
  }
}

/**
 * ClickHouse and the files, disjoint by identity: ClickHouse answers an identity only if all its copies on disk
 * are published; the files answer every other, with the winner over all copies on disk and those that ClickHouse alone
 * has. The files are asked first; what comes to them afterwards is in neither half.
 */
export function createHybridSource(options: DatabaseSourcesOptions): TokenSource {
  const { published, read, seq, archivedTokens, inTurn = atOnce, statementInTurn = atOnce } = options
  return {
    ...describe('HYBRID', options),
    async answer({ queries, access, quality }, caller = '') {
      const all = quality ? [...queries, WHOLE] : queries
      const asked = all.map(withAll)
      const { ofFiles, ofDatabase, watermark, archived } = await inRead(inTurn, read, caller, async () => {
        const oneByOne: StatementTurn = (run) => statementInTurn(caller, run)
        const ofFiles = await askWithCopiesBeyond(options, { queries: asked, access, quality }, caller, oneByOne)
        const { identities } = ofFiles
        const watermark = `${ofFiles.watermark} ${seq()}`
        const beside = await besideOf(all, ofFiles.answers, caller)
        const ofDatabase = await published.answer({ queries: beside, access }, identities, oneByOne)
        return { ofFiles, ofDatabase, watermark, archived: quality ? await archivedTokens(access, identities) : 0n }
      })
      const halves = asked.map((_, i) => [ofDatabase[i], ofFiles.answers[i]] as [TokenAnswer, TokenAnswer])
      const answers = await mergeHalves(halves, all, caller, options.prices)
      return finish(answers, queries.length, ofFiles, archived, { asOf: ofFiles.asOf, watermark })
    },
  }
}

/**
 * What copies that this disk has not add to the tokens of the files, whether what these answer is published or not: an
 * answer of the files and this come to what a hybrid answer counts.
 */
export function addedToFiles(options: DatabaseSourcesOptions, access: readonly Scope[], caller = ''): Promise<bigint> {
  const { read, archivedTokens, inTurn = atOnce, statementInTurn = atOnce } = options
  return inRead(inTurn, read, caller, async () => {
    const request = { queries: [], access, quality: true }
    const ofFiles = await askWithCopiesBeyond(options, request, caller, (run) => statementInTurn(caller, run))
    return (ofFiles.quality?.archivedTokens ?? 0n) + (await archivedTokens(access, ofFiles.identities))
  })
}

/**
 * Throws QUERY_TOO_EXPENSIVE where all answers together have more sums than those to one operation may, as each half
 * does.
 */
async function mergeHalves(
  halves: readonly [TokenAnswer, TokenAnswer][],
  queries: readonly TokenQuery[],
  caller: string,
  prices: PriceList,
): Promise<TokenAnswer[]> {
  const most = LIMITS.answerSums.value
  const answers: TokenAnswer[] = []
  const turn = turnToMerge(caller)
  let left = most
  for (const [i, [ofDatabase, ofFiles]] of halves.entries()) {
    const query = queries[i] as TokenQuery
    const merged = await finishInSlices(mergeAnswers(ofDatabase, ofFiles), turn)
    await prices.learn(merged.whole.map(({ model }) => model))
    const cut = await finishInSlices(mergeCuts(merged, ofDatabase, ofFiles, query, prices.priceOf), turn)
    const answer = withPrices(cut, query, prices)
    left -= sumsIn(answer)
    if (left < 0) throw new BridgeError('QUERY_TOO_EXPENSIVE', `the answer would have more than ${most} sums`)
    answers.push(answer)
  }
  return answers
}

/**
 * Apart from the caller's requests: another one who asked the same, and a publication that waits until the question is
 * answered, wait for this, and not for all of those.
 */
const turnToMerge = (caller: string) => () => turnOf(`${caller}, merging`)

const atOnce: InTurn = (_, run) => run()

/**
 * Waits for a turn first and for the gate second, so that a question that waits for its turn holds up no publication.
 */
const inRead = <T>(inTurn: InTurn, read: DatabaseSourcesOptions['read'], caller: string, run: () => Promise<T>) =>
  inTurn(caller, () => read(run))

const describe = (source: DataSource, { files, seq, health }: DatabaseSourcesOptions) => ({
  source,
  world: files.world,
  health,
  /** Moves with the files, too: what is said of the quality comes from them. */
  counted() {
    const counted = files.counted()
    return counted === undefined ? undefined : { ...counted, watermark: `${counted.watermark} ${seq()}` }
  },
})

/** What is asked of the files: what may be on both sides is neither cut off nor counted by one of them alone. */
const withAll = (query: TokenQuery): TokenQuery =>
  uncut(query.countSessions === true ? { ...query, countSessions: false, sessions: true } : query)

/** What is asked of the database beside these answers of the files. */
async function besideOf(
  queries: readonly TokenQuery[],
  ofFiles: readonly TokenAnswer[],
  caller: string,
): Promise<PublishedQuery[]> {
  const beside: PublishedQuery[] = []
  for (const [i, query] of queries.entries())
    beside.push(await finishInSlices(besideIn(query, ofFiles[i] as TokenAnswer), turnToMerge(caller)))
  return beside
}

/**
 * `archived` is what archived copies add to what ClickHouse answers; what they add to the files' half is in `ofFiles`. The
 * last of `answers` is the whole where the quality was asked for: unpriced tokens follow from it.
 */
function finish(
  answers: TokenAnswer[],
  asked: number,
  ofFiles: SourceAnswer | undefined,
  archived: bigint,
  { asOf, watermark }: Pick<SourceAnswer, 'asOf' | 'watermark'>,
): SourceAnswer {
  const quality = ofFiles?.quality
  const whole = answers[asked]?.whole
  const described = quality && whole && { ...quality, whole, archivedTokens: quality.archivedTokens + archived }
  return {
    answers: answers.slice(0, asked),
    quality: described,
    asOf,
    watermark,
    sample: false,
  }
}
