import { Arg, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql'
import { invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { isPlainText } from '../../domain/plain-text.ts'
import { type AuditPlace, MAX_DETAIL, NOTED_COMMANDS, type NotedCommand } from '../../ports/audit.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { AuditConnectionType, NotedCommandEnum } from './types.ts'

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

  @Mutation(() => Int, {
    description:
      'The caller knows of everything that is wrong with the audit log of this instance by now: one entry a problem. Health tells it no more; `token-bridge audit verify` tells it as acknowledged. Returns how many there are.',
  })
  @Access(['operator'])
  async acknowledgeAuditDamage(@Ctx() { audit }: RequestContext): Promise<number> {
    return (await audit.acknowledge()).length
  }

  @Mutation(() => Boolean, {
    description:
      'Notes what a command on the machine of this instance has done without asking it, such as making a token with its secret.',
  })
  @Access(['operator'])
  async noteCommand(
    @Arg('command', () => NotedCommandEnum) command: NotedCommand,
    @Arg('detail', () => String, { nullable: true }) detail: string | null,
    @Ctx() { audit }: RequestContext,
  ): Promise<boolean> {
    if (!isPlainText(detail ?? '', MAX_DETAIL))
      throw invalidArgument('detail', `must have at most ${MAX_DETAIL} characters, none of them hidden`)
    await audit.note({ action: NOTED_COMMANDS[command], outcome: 'ok', detail: detail ?? undefined })
    return true
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
