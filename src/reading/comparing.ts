import { compareAnswers } from '../domain/compare-answers.ts'
import { isBridgeError } from '../domain/errors.ts'
import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'
import { uncut } from '../domain/uncut.ts'
import type {
  Compared,
  ComparedQuestion,
  Comparing,
  DiscardReason,
  FieldDifference,
  QueryDifference,
} from '../ports/comparison.ts'
import type { PublishedEvidence, PublishedRecords, StatementTurn } from '../ports/record-store.ts'
import type { PublishedInFiles, PublishedInFilesAnswer } from '../ports/token-source.ts'
import { finishInSlices, turnOf } from '../turns/event-loop.ts'
import type { InTurn } from '../turns/in-turn.ts'
import type { BeyondParts } from './with-copies-beyond.ts'

export interface ComparingOptions {
  files: PublishedInFiles
  published: Pick<PublishedRecords, 'answer'>
  evidence: Pick<PublishedEvidence, 'sharedBy'>
  logsBeyond: BeyondParts['logsBeyond']
  /**
   * Runs what reads the database, so that all that it sees is of one moment, and keeps nobody waiting. Throws CONFLICT
   * where something was published meanwhile.
   */
  read: <T>(run: () => Promise<T>) => Promise<T>
  /** Comparisons take their turns among the questions of users, as one user. */
  inTurn: InTurn
  statementInTurn: InTurn
  /** Publications so far. */
  seq: () => number
}

/** Who asks: no user has this name, so that none waits behind it. */
const CALLER = '\nshadow'
/** How often it is asked anew where something was published, or came to disk, meanwhile. */
const MAX_TRIES = 4
const MAX_DIFFERENCES = 5

/** What of the database no transcript on this disk tells. */
interface Archived {
  /** Names of logs: winners from these are left out of what the database answers. */
  logs: readonly string[]
  /** 16 bytes each: identities with a copy there and one elsewhere. They are left out on both sides. */
  shared: Uint8Array
}

/** What the files say at one moment, and what of the database says the same, or is wrong. */
interface Cut {
  files: PublishedInFilesAnswer
  archived: Archived
}

class Discarded extends Error {
  readonly reason: DiscardReason
  constructor(reason: DiscardReason) {
    super(reason)
    this.reason = reason
  }
}

/**
 * Compares what the files and ClickHouse say of the same records: of each identity whose copies on this disk are all
 * published. The files tell in one turn of their thread what they answer for these, and which the others are, which
 * ClickHouse leaves out: so it makes no difference how much is being written. Exact as the verification of a migration is.
 */
export function createComparing(options: ComparingOptions): Comparing {
  const { published, read, inTurn, statementInTurn } = options
  const askFiles = createAskFiles(options)
  const askDatabase = ({ queries, access }: ComparedQuestion, { files, archived }: Cut): Promise<TokenAnswer[]> => {
    const inTurns: StatementTurn = (run) => statementInTurn(CALLER, run)
    const without = Buffer.concat([files.identities, archived.shared])
    return published.answer({ queries, access, withoutLogs: archived.logs }, without, inTurns)
  }
  const bothFilesFirst = async (question: ComparedQuestion) => {
    const cut = await askFiles(question)
    return { cut, candidate: await askDatabase(question, cut) }
  }
  const bothDatabaseFirst = async (question: ComparedQuestion) => {
    const before = await askFiles({ ...question, queries: [] })
    const candidate = await askDatabase(question, before)
    const cut = await askFiles(question)
    // what came to disk meanwhile is not in what the database was asked for
    return { cut, candidate: isSameCut(before, cut) ? candidate : await askDatabase(question, cut) }
  }
  const inOneMoment = <T>(run: () => Promise<T>): Promise<T> => inTurn(CALLER, () => read(run))
  return {
    compare: (asked, databaseFirst) =>
      settled(async () => {
        const question = allOf(asked)
        const both = databaseFirst ? bothDatabaseFirst : bothFilesFirst
        const { cut, candidate } = await inOneMoment(() => both(question))
        return comparedAs(question, cut, candidate)
      }),
    compareControl: (asked) =>
      settled(async () => {
        const question = allOf(asked)
        const [first, second] = await inOneMoment(async () => [await askFiles(question), await askFiles(question)])
        if (!isSameCut(first as Cut, second as Cut)) throw new Discarded('MOVED')
        return comparedAs(question, first as Cut, (second as Cut).files.answers)
      }),
  }
}

/** Not the first of a list alone: where one row is wrong, others may stand in its place. */
const allOf = (asked: ComparedQuestion): ComparedQuestion => ({ ...asked, queries: asked.queries.map(uncut) })

/** Asks the files, where what is archived is known; that changes rarely, and finding it takes a while. */
function createAskFiles({ files, evidence, logsBeyond, seq }: ComparingOptions) {
  let known: Archived & { key: string } = { key: '', logs: [], shared: new Uint8Array(0) }
  const learn = async (logs: readonly string[]): Promise<typeof known> => {
    const key = logs.length === 0 ? '' : `${seq()} ${logs.toSorted().join('\n')}`
    if (key !== known.key) known = { key, logs, shared: await evidence.sharedBy(logs) }
    return known
  }
  return async ({ queries, access }: ComparedQuestion): Promise<Cut> => {
    for (let round = 0; round < MAX_TRIES; round++) {
      const archived = known
      const answer = await files.answerPublished({ queries, access, without: archived.shared }, CALLER)
      if (answer.sample) throw new Discarded('SAMPLE')
      if (answer.isBehind) throw new Discarded('DISK_BEHIND')
      if ((await learn(await logsBeyond(answer.lacking))) === archived) return { files: answer, archived }
    }
    throw new Discarded('MOVED')
  }
}

function isSameCut(a: Cut, b: Cut): boolean {
  const { watermark, identities } = a.files
  const isSame = watermark === b.files.watermark && a.archived === b.archived
  return isSame && Buffer.from(identities).equals(Buffer.from(b.files.identities))
}

async function comparedAs(
  { queries }: ComparedQuestion,
  { files, archived }: Cut,
  candidate: readonly TokenAnswer[],
): Promise<Compared> {
  const differences: QueryDifference[] = []
  for (const [i, query] of queries.entries()) {
    const [ours, theirs] = [files.answers[i] as TokenAnswer, candidate[i] as TokenAnswer]
    const work = compareAnswers(ours, theirs, MAX_DIFFERENCES - differences.length)
    const found: FieldDifference[] = await finishInSlices(work, () => turnOf(CALLER))
    differences.push(...found.map((one) => ({ ...one, query: query as TokenQuery })))
  }
  const outcome = differences.length === 0 ? 'AGREED' : 'DIFFERS'
  const records = files.answers.flatMap(({ whole }) => whole).reduce((sum, usage) => sum + usage.records, 0n)
  return { outcome, records, differences, leavesArchived: archived.logs.length > 0 }
}

/** Tries again where something was published meanwhile. What fails is discarded. */
async function settled(compare: () => Promise<Compared>): Promise<Compared> {
  for (let tries = 1; ; tries++) {
    try {
      return await compare()
    } catch (error) {
      const reason = reasonOf(error)
      if (reason !== 'MOVED' || tries === MAX_TRIES) return { outcome: 'DISCARDED', reason, error }
    }
  }
}

function reasonOf(error: unknown): DiscardReason {
  if (error instanceof Discarded) return error.reason
  if (!isBridgeError(error)) return 'FAILED'
  if (error.code === 'CONFLICT') return 'MOVED'
  if (error.code === 'QUERY_TOO_EXPENSIVE') return 'TOO_EXPENSIVE'
  if (error.code === 'OVERLOADED') return 'OVERLOADED'
  return error.code === 'SOURCE_UNAVAILABLE' ? 'UNAVAILABLE' : 'FAILED'
}
