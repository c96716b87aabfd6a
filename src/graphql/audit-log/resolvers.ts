import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql'
import { invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { AuditPlace } from '../../ports/audit.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { AuditConnectionType } from './types.ts'

@Resolver()
export class AuditResolver {
  @Query(() => AuditConnectionType, {
    description:
      'Who did what, the latest first: on this instance, and on those that told the same database. A page may have fewer entries than it could where few match; endCursor goes on.',
  })
  @Access(['operator'])
  async auditEntries(
    @Arg('first', () => Int, { defaultValue: 50 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | null,
    @Arg('who', () => String, { nullable: true }) who: string | null,
    @Arg('action', () => String, { nullable: true }) action: string | null,
    @Ctx() { auditReading }: RequestContext,
  ): Promise<AuditConnectionType> {
    const most = LIMITS.auditPage.value
    if (first < 1 || first > most) throw invalidArgument('first', `must be from 1 to ${most}`)
    const filter = { who: who ?? undefined, action: action ?? undefined }
    const { entries, next } = await auditReading.page(first, after ? placeOf(after) : undefined, filter)
    return {
      edges: entries.map(({ position, request, ...entry }) => ({
        cursor: cursorOf({ position, ...entry }),
        node: { ...entry, position: BigInt(position), requestId: request },
      })),
      pageInfo: { hasNextPage: next !== undefined, endCursor: endOf(next ?? entries.at(-1)) },
    }
  }
}

const endOf = (place: AuditPlace | undefined): string | null => (place === undefined ? null : cursorOf(place))

const cursorOf = ({ at, chain, position }: AuditPlace): string =>
  Buffer.from(`${at}:${chain}:${position}`).toString('base64url')

function placeOf(cursor: string): AuditPlace {
  const [, at, chain, position] =
    /^(\d{1,15}):([0-9a-f]{16}):(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || chain === undefined || position === undefined)
    throw invalidArgument('after', 'must be a cursor of an earlier page')
  return { at: Number(at), chain, position: Number(position) }
}
