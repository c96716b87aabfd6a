import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import { invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { isPlainText } from '../../domain/plain-text.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { IsolationType } from './types.ts'

@Resolver()
export class IsolationResolver {
  @Mutation(() => IsolationType, {
    description:
      'Takes this instance out of all reading and writing but health, over starts, until it rejoins: everything else but revokeAccess is answered ISOLATED, subscriptions end, the right to publish is given up, nothing is asked of the database and of Redis, and the access to the database is taken away where its user may.',
  })
  @Access(['operator'])
  isolate(@Arg('reason', () => String) reason: string, @Ctx() context: RequestContext): Promise<IsolationType> {
    if (reason.trim() === '' || !isPlainText(reason, LIMITS.nameLength.value))
      throw invalidArgument('reason', `must have 1 to ${LIMITS.nameLength.value} characters, none of them hidden`)
    return context.isolation.isolate(reason, context.principal.userId)
  }

  @Mutation(() => IsolationType, {
    description: 'Ends it. Access to the database that was taken away is given back by its administrator alone.',
  })
  @Access(['operator'])
  rejoin(@Ctx() { isolation }: RequestContext): Promise<IsolationType> {
    return isolation.rejoin()
  }
}
