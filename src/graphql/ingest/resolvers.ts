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
    @Ctx() { ingest, principal }: RequestContext,
  ): Promise<IngestTokenRecordsPayload> {
    return ingest.submit({ caller: principal.userId, idempotencyKey: idempotencyKey ?? undefined, records })
  }
}
