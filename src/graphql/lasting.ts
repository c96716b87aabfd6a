import type { ApolloServerPlugin } from '@apollo/server'
import { defaultFieldResolver, type GraphQLSchema } from 'graphql'
import { Extensions } from 'type-graphql'
import type { Basis } from '../reading/answers.ts'
import { actionOf } from './audit.ts'
import type { RequestContext, RequestNotes } from './context.ts'
import { costOf } from './cost.ts'

/** An answer that is the same for everybody with the same rights, for as long as what it followed from is the same. */
export interface LastingAnswer {
  basis: Basis
  /** As the log names the operation, and as the audit log does. */
  operation: string
  action: string
  /** What the caller is charged with. */
  cost: number
}

/** Declares that a query follows from answers of the sources alone: not from who asks, nor from the time. */
export const FromAnswersAlone = (): ReturnType<typeof Extensions> => Extensions({ fromAnswersAlone: true })

const passing = new WeakSet<RequestNotes>()
// by the notes: Apollo gives each operation a copy of the context
const lasting = new WeakMap<RequestNotes, LastingAnswer>()

/** What a resolver answers follows from the time, or from something else that may change. */
export const notePassing = ({ notes }: RequestContext): void => void passing.add(notes)

/** The answer of the operation with this context, where it is a lasting one. */
export const lastingAnswerOf = ({ notes }: RequestContext): LastingAnswer | undefined => lasting.get(notes)

/** Notes, in place, what is asked of queries that did not declare that they follow from answers alone. */
export function notePassingQueries(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    if (field.extensions.fromAnswersAlone === true) continue
    const resolve = field.resolve ?? defaultFieldResolver
    field.resolve = (source, args, context: RequestContext, info) => {
      notePassing(context)
      return resolve(source, args, context, info)
    }
  }
  return schema
}

/** Finds lasting answers: of queries without errors that were answered from the cache as a whole. */
export const noteLastingAnswers: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ operation, request, queryHash, contextValue: context, response: { body } }) {
        if (operation?.operation !== 'query' || passing.has(context.notes)) return
        if (body.kind !== 'single' || body.singleResult.errors !== undefined) return
        const basis = context.answers.basis()
        const cost = costOf(context)
        if (basis === undefined || cost === undefined) return
        const name = operation.name?.value ?? request.operationName
        const action = actionOf('query', name, queryHash)
        lasting.set(context.notes, { basis, cost, action, operation: context.notes.operation ?? 'query' })
      },
    }
  },
}
