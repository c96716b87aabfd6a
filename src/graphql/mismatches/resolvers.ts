import { Arg, Ctx, ID, Int, Query, Resolver } from 'type-graphql'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { questionText } from '../../domain/question-text.ts'
import type { TokenQuery } from '../../domain/token-query.ts'
import { readQuestion } from '../../rollout/kept-question.ts'
import { MAX_MISMATCHES, type MismatchPlace } from '../../rollout/mismatches.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { MismatchConnectionType, SourceComparisonType } from './types.ts'

/** The whole history in every breakdown. */
const EVERYTHING_ASKED: TokenQuery = {
  filter: {},
  groupings: [['project'], ['user'], ['host'], ['branch'], ['sidechain'], [{ granularity: 'DAY', timeZone: 'UTC' }]],
  sessions: true,
  countSessions: true,
}

@Resolver()
export class MismatchResolver {
  @Query(() => MismatchConnectionType, {
    description:
      'Fields in which comparisons of the two sources found a difference, on whichever instance, the latest first.',
  })
  @Access(['operator'])
  mismatches(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | null,
    @Ctx() { shadow }: RequestContext,
  ): MismatchConnectionType {
    const most = LIMITS.mismatchesPage.value
    if (first < 1 || first > most) throw invalidArgument('first', `must be from 1 to ${most}`)
    const { mismatches, total, hasNext } = shadow.mismatches.page(first, after ? placeOf(after) : undefined)
    const last = mismatches.at(-1)
    return {
      edges: mismatches.map(({ kind: _, ...node }) => ({ cursor: cursorOf(node), node })),
      pageInfo: { hasNextPage: hasNext, endCursor: last === undefined ? null : cursorOf(last) },
      totalCount: total,
    }
  }

  @Query(() => SourceComparisonType, {
    description:
      'Puts the question of a mismatch to both sources once more; without one, the whole history in every breakdown. It changes nothing, and trips nothing.',
  })
  @Access(['operator'])
  async compareSources(
    @Arg('mismatch', () => ID, { nullable: true }) id: string | null,
    @Ctx() { shadow, principal: { access } }: RequestContext,
  ): Promise<SourceComparisonType> {
    const query = id === null || id === undefined ? EVERYTHING_ASKED : questionOf(id, shadow)
    const compared = await shadow.compareNow({ queries: [query], access })
    const question = questionText(query)
    if (compared.outcome === 'DISCARDED')
      return { question, agreed: null, discarded: compared.reason, records: 0n, leavesArchived: false, differences: [] }
    const { outcome, ...found } = compared
    return { question, agreed: outcome === 'AGREED', discarded: null, ...found }
  }
}

function questionOf(id: string, { mismatches }: RequestContext['shadow']): TokenQuery {
  const found = mismatches.page(MAX_MISMATCHES, undefined).mismatches.find((one) => one.id === id)
  if (found === undefined) throw invalidArgument('mismatch', 'no mismatch with this id is kept')
  const query = readQuestion(found.question)
  if (query === undefined)
    throw new BridgeError('CONFLICT', 'its question was too long to be kept, or is of a later release')
  return query
}

const cursorOf = ({ at, id }: MismatchPlace): string => Buffer.from(`${at}:${id}`).toString('base64url')

function placeOf(cursor: string): MismatchPlace {
  const [, at, id] = /^(\d{1,15}):([^\n]{1,100})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined) throw invalidArgument('after', 'must be a cursor of an earlier page')
  return { at: Number(at), id }
}
