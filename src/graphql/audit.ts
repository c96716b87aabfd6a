import type { ApolloServerPlugin } from '@apollo/server'
import { defaultFieldResolver, type GraphQLField, type GraphQLSchema, getNamedType, isEnumType } from 'graphql'
import { clip } from '../domain/clip.ts'
import { isBridgeError, isRefusal } from '../domain/errors.ts'
import type { IngestResult } from '../writing/ingest.ts'
import type { RequestContext } from './context.ts'

/** Longest name of an operation that is noted: callers choose it. */
const MAX_NAME = 100
const INTERNAL = 'INTERNAL_SERVER_ERROR'

/** Requests whose mutations were noted one by one. */
const noted = new WeakSet<RequestContext>()

/** What must be possible on a disk that takes nothing any more: it is noted when that is possible. */
const ALWAYS: ReadonlySet<string> = new Set(['isolate'])

/**
 * Notes every mutation, in place: what was asked for, by whom, and what came of it, on disk before the answer. Where
 * nothing can be noted, nothing is changed (STORAGE_UNAVAILABLE). A refusal changed nothing, and is counted.
 */
export function auditMutations(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve ?? defaultFieldResolver
    const action = `mutation ${field.name}`
    field.resolve = async (source, args: Record<string, unknown>, context: RequestContext, info) => {
      const { audit } = context
      if (!ALWAYS.has(field.name)) audit.requireRoom()
      noted.add(context)
      const asked = describeArguments(field, args)
      let result: unknown
      try {
        result = await resolve(source, args, context, info)
      } catch (error) {
        const outcome = isBridgeError(error) ? error.code : INTERNAL
        if (isRefusal(error)) audit.count({ action, outcome })
        // the error is what the caller must know; the entry is written when that is possible
        else await audit.note({ action, outcome, detail: asked }).catch(() => undefined)
        throw error
      }
      const more = DETAILS[field.name]?.(result as never)
      if (more?.denied === true) audit.count({ action, outcome: 'OUT_OF_SCOPE' })
      const detail = [asked, more?.detail].filter((text) => text !== undefined && text !== '').join(' ')
      const noting = audit.note({
        action,
        outcome: 'ok',
        detail: detail === '' ? undefined : detail,
        records: more?.records,
      })
      await (ALWAYS.has(field.name) ? noting.catch(() => undefined) : noting)
      return result
    }
  }
  return schema
}

/** Texts that are no content: whoever changes something writes why. */
const NOTED_TEXTS: ReadonlySet<string> = new Set(['reason', 'name'])
const NOTED_TYPES: ReadonlySet<string> = new Set(['ID', 'Boolean', 'Int'])

/** What was asked for, by its arguments that hold neither content nor a secret: ids, switches, numbers, choices. */
function describeArguments(field: GraphQLField<unknown, unknown>, args: Record<string, unknown>): string {
  return field.args
    .filter(({ name, type }) => {
      const named = getNamedType(type)
      return NOTED_TYPES.has(named.name) || isEnumType(named) || NOTED_TEXTS.has(name)
    })
    .filter(({ name }) => args[name] !== undefined && args[name] !== null)
    .map(({ name }) => `${name}=${told(args[name])}`)
    .join(' ')
}

/** A text that could be taken for another argument stands in quotes. */
const told = (value: unknown): string => (/[="]/.test(String(value)) ? JSON.stringify(String(value)) : String(value))

interface Told {
  detail: string
  records?: number
  /** Some of it was refused, because the caller may not write that. */
  denied?: boolean
}

/** What an answer says of what was done, where the arguments alone do not. */
const DETAILS: Record<string, (result: never) => Told> = {
  ingestTokenRecords: ({ accepted, rejectedCount, replayed, rejected }: IngestResult) => ({
    detail: `accepted=${accepted} rejected=${rejectedCount} replayed=${replayed}`,
    records: accepted,
    denied: rejected.some(({ code }) => code === 'OUT_OF_SCOPE'),
  }),
  createMachineToken: ({ machineToken: { id, userId, roles } }: { machineToken: Record<string, unknown> }) => ({
    detail: `id=${id} userId=${told(userId)} roles=${roles}`,
  }),
  startMigration: ({ id }: { id: string }) => ({ detail: `id=${id}` }),
  backupMigration: ({ records }: { records: number }) => ({ detail: `records=${records}` }),
  restoreMigration: ({ records }: { records: number }) => ({ detail: `records=${records}` }),
}

/** Counts every other operation, and those that were refused before anything was done. */
export const auditOperations: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ operation, request, queryHash, contextValue, response }) {
        if (noted.has(contextValue)) return
        const { body } = response
        const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : []
        const codes = errors.map(({ extensions }) => String(extensions?.code))
        const outcome = codes.includes('FORBIDDEN') ? 'FORBIDDEN' : (codes[0] ?? 'ok')
        const action = actionOf(
          operation?.operation ?? 'operation',
          operation?.name?.value ?? request.operationName,
          queryHash,
        )
        contextValue.audit.count({ action, outcome })
      },
    }
  },
}

/** `query Days`, or by the beginning of its text's SHA-256 where it has no name. */
export function actionOf(type: string, name: string | null | undefined, queryHash: string | undefined): string {
  if (name !== undefined && name !== null && name !== '') return `${type} ${clip(name, MAX_NAME)}`
  return queryHash === undefined ? type : `${type} #${queryHash.slice(0, 12)}`
}
