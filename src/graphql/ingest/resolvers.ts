import { Ctx, createParameterDecorator, Mutation, Resolver } from 'type-graphql'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { IngestTokenRecordsInput, IngestTokenRecordsPayload } from './types.ts'

/** The argument as GraphQL has checked it: making instances of classes of a thousand records took a sixth of a call. */
function PlainInput(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator(({ args }) => args.input, {
    arg: { name: 'input', typeFunc: () => IngestTokenRecordsInput },
  })
}

@Resolver()
export class IngestResolver {
  @Mutation(() => IngestTokenRecordsPayload, {
    description: 'Accepts the records that are valid and tells every mistake of the others. What is accepted is kept.',
  })
  @Access(['ingester'])
  ingestTokenRecords(
    @PlainInput() { idempotencyKey, records }: IngestTokenRecordsInput,
    @Ctx() { budgets, ingest, principal }: RequestContext,
  ): Promise<IngestTokenRecordsPayload> {
    const { userId: caller, access: scopes } = principal
    budgets.records.take(caller, records.length)
    return ingest.submit({ caller, scopes, idempotencyKey: idempotencyKey ?? undefined, records })
  }
}
