import { Arg, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql'
import { invalidArgument } from '../../domain/errors.ts'
import { isSessionId, LIMITS } from '../../domain/limits.ts'
import type { Provenance } from '../../domain/source.ts'
import { type SessionMetrics, sessionMetrics } from '../../domain/usage.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Cost } from '../cost.ts'
import { FromAnswersAlone, notePassing } from '../lasting.ts'
import { SessionType } from './types.ts'

@Resolver(() => SessionType)
export class SessionResolver {
  @Query(() => SessionType, { nullable: true, description: 'One session, or null where no record belongs to it.' })
  @Access(READERS)
  @FromAnswersAlone()
  @Cost({ filter: ({ id }) => `session ${id}` })
  async session(
    @Arg('id', () => ID) id: string,
    @Ctx() { answers, priceOf }: RequestContext,
  ): Promise<(SessionMetrics & { provenance: Provenance }) | null> {
    if (!isSessionId(id)) throw invalidArgument('id', 'a session id is 1 to 100 of a-zA-Z0-9_-')
    const { answer, provenance } = await answers.load({ filter: { sessionIds: [id] }, preference: 'AUTO' }, 'sessions')
    const session = answer.sessions?.[0]
    return session === undefined ? null : { ...sessionMetrics(session, priceOf), provenance }
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: `What the session is called in a transcript on the disk of the bridge that answers, whichever source counts: by its user, else by the agent. Null where none of those that you see tells it. At most ${LIMITS.titleLength.shown} characters.`,
  })
  async title(@Root() session: SessionType, @Ctx() context: RequestContext): Promise<string | null> {
    // it may change while everything that is counted stays
    notePassing(context)
    return (await context.titles.of(session)) ?? null
  }
}
