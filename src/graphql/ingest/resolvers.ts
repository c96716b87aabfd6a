import { Arg, Mutation, Resolver } from 'type-graphql'
import { Access } from '../access.ts'
import { notImplemented } from '../not-implemented.ts'
import { IngestTokenRecordsInput, IngestTokenRecordsPayload } from './types.ts'

@Resolver()
export class IngestResolver {
  @Mutation(() => IngestTokenRecordsPayload)
  @Access(['ingester'])
  ingestTokenRecords(
    @Arg('input', () => IngestTokenRecordsInput) _input: IngestTokenRecordsInput,
  ): IngestTokenRecordsPayload {
    return notImplemented('ingestTokenRecords')
  }
}
