import { defaultFieldResolver, type GraphQLSchema } from 'graphql'
import { BridgeError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'

/**
 * What is answered by an isolated bridge; the mutations are for operators. Taking tokens away is among them: who has
 * stolen one could end the isolation by it, and nobody could stop that. The last two write to the audit log alone.
 */
const ANSWERED: ReadonlySet<string> = new Set([
  'Query.health',
  'Mutation.isolate',
  'Mutation.rejoin',
  'Mutation.revokeAccess',
  'Mutation.noteCommand',
  'Mutation.acknowledgeAuditDamage',
])

/** Refuses every question, change and subscription but these while the bridge is isolated, in place. */
export function enforceIsolation(schema: GraphQLSchema): GraphQLSchema {
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    for (const field of Object.values(type?.getFields() ?? {})) {
      if (ANSWERED.has(`${type?.name}.${field.name}`)) continue
      const { resolve = defaultFieldResolver, subscribe } = field
      field.resolve = (source, args, context: RequestContext, info) => {
        refuse(context)
        return resolve(source, args, context, info)
      }
      if (subscribe !== undefined)
        field.subscribe = (source, args, context: RequestContext, info) => {
          refuse(context)
          return subscribe(source, args, context, info)
        }
    }
  return schema
}

function refuse({ isolation }: RequestContext): void {
  if (isolation.isIsolated()) throw isolatedError()
}

export const isolatedError = (): BridgeError =>
  new BridgeError(
    'ISOLATED',
    'the bridge is isolated: it answers health, and takes tokens away, until an operator lets it rejoin',
  )
