import type { GraphQLSchema } from 'graphql'
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { IngestTokenRecordsInput, IngestTokenRecordsPayload } from './types.ts'

@Resolver()
export class IngestResolver {
  @Mutation(() => IngestTokenRecordsPayload, {
    description: 'Accepts the records that are valid and tells every mistake of the others. What is accepted is kept.',
  })
  @Access(['ingester'])
  ingestTokenRecords(
    @Arg('input', () => IngestTokenRecordsInput) { idempotencyKey, records }: IngestTokenRecordsInput,
    @Ctx() { budgets, ingest, principal }: RequestContext,
  ): Promise<IngestTokenRecordsPayload> {
    const { userId: caller, access: scopes } = principal
    budgets.records.take(caller, records.length)
    return ingest.submit({ caller, scopes, idempotencyKey: idempotencyKey ?? undefined, records })
  }
}

/**
 * Calls the resolver with the input as GraphQL has checked it, in place: type-graphql makes instances of classes of a
 * thousand records first, which took a fifteenth of a call.
 */
export function withPlainRecords(schema: GraphQLSchema): GraphQLSchema {
  const field = schema.getMutationType()?.getFields().ingestTokenRecords
  if (field === undefined) throw new Error('there is no field ingestTokenRecords')
  const resolver = new IngestResolver()
  field.resolve = (_, { input }, context: RequestContext) => resolver.ingestTokenRecords(input, context)
  return schema
}
