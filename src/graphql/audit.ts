import { setTimeout as sleep } from 'node:timers/promises'
import type { ApolloServerPlugin } from '@apollo/server'
import { defaultFieldResolver, type GraphQLField, type GraphQLSchema, getNamedType, isEnumType } from 'graphql'
import { describeToken } from '../access/described-token.ts'
import { clip } from '../domain/clip.ts'
import { isBridgeError, isRefusal } from '../domain/errors.ts'
import { namedValue } from '../domain/named-value.ts'
import type { RequestAudit } from '../ports/audit.ts'
import type { IngestResult } from '../writing/ingest.ts'
import type { RequestContext } from './context.ts'
import type { MachineTokenType } from './tokens/types.ts'

/** Longest name of an operation that is noted: callers choose it. */
const MAX_NAME = 100
const INTERNAL = 'INTERNAL_SERVER_ERROR'

/** Requests whose mutations were noted one by one. */
const noted = new WeakSet<RequestContext>()

/** What everybody may do as often as they like: whoever does much of it has no entry for each. */
const REPEATED: ReadonlySet<string> = new Set(['ingestTokenRecords', 'setSourcePreference'])

/** What must be possible on a disk that takes nothing any more: it is noted when that is possible. */
const ALWAYS: ReadonlySet<string> = new Set(['isolate', 'tripGuard'])

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
      const note = REPEATED.has(field.name) ? audit.noteRepeated : audit.note
      const asked = describeArguments(field, args)
      let result: unknown
      try {
        result = await resolve(source, args, context, info)
      } catch (error) {
        const outcome = isBridgeError(error) ? error.code : INTERNAL
        if (isRefusal(error)) audit.count({ action, outcome })
        // the error is what the caller must know; the entry is written when that is possible
        else await note({ action, outcome, detail: asked }).catch(() => undefined)
        throw error
      }
      const { detail: more, late, ...told } = (await DETAILS[field.name]?.(result as never)) ?? {}
      if (told.numbers?.outOfScope !== undefined) audit.count({ action, outcome: 'OUT_OF_SCOPE' })
      const detail = [asked, more].filter((text) => text !== undefined && text !== '').join(' ')
      const noting = note({ ...told, action, outcome: 'ok', detail: detail === '' ? undefined : detail })
      if (late !== undefined) void noteLate(late, action, audit)
      await (ALWAYS.has(field.name) ? noting.catch(() => undefined) : noting)
      return result
    }
  }
  return schema
}

/** What is known only after the answer; it is written as soon as it is known, and that is possible. */
const noteLate = (late: Promise<Numbers>, action: string, audit: RequestAudit): Promise<void> =>
  late
    .then((numbers) => {
      if (Object.keys(numbers).length > 0) return audit.noteRepeated({ action, outcome: 'ok', numbers })
    })
    .catch(() => undefined)

/** Texts that are no content: whoever changes something writes why. */
const NOTED_TEXTS: ReadonlySet<string> = new Set(['reason', 'name', 'note'])
const NOTED_TYPES: ReadonlySet<string> = new Set(['ID', 'Boolean', 'Int'])

/** What was asked for, by its arguments that hold neither content nor a secret: ids, switches, numbers, choices. */
function describeArguments(field: GraphQLField<unknown, unknown>, args: Record<string, unknown>): string {
  return field.args
    .filter(({ name, type }) => {
      const named = getNamedType(type)
      return NOTED_TYPES.has(named.name) || isEnumType(named) || NOTED_TEXTS.has(name)
    })
    .filter(({ name }) => args[name] !== undefined && args[name] !== null)
    .map(({ name }) => namedValue(name, args[name]))
    .join(' ')
}

type Numbers = Record<string, number>

interface Told {
  detail?: string
  numbers?: Numbers
  records?: number
  /** Numbers that nobody knows yet. */
  late?: Promise<Numbers>
}

/** What an answer says of what was done, where the arguments alone do not. */
const DETAILS: Record<string, (result: never) => Told | Promise<Told>> = {
  ingestTokenRecords: (result: IngestResult) => describeIngest(result),
  createMachineToken: ({ machineToken }: { machineToken: MachineTokenType }) => {
    const { id, access, createdAt, expiresAt } = machineToken
    const ttlSeconds = Math.round((expiresAt - createdAt) / 1000)
    return { detail: `id=${id} ${describeToken({ ...machineToken, access: access ?? undefined, ttlSeconds })}` }
  },
  startMigration: ({ id }: { id: string }) => ({ detail: `id=${id}` }),
  backupMigration: ({ records }: { records: number }) => ({ detail: `records=${records}` }),
  restoreMigration: ({ records }: { records: number }) => ({ detail: `records=${records}` }),
}

/** How long an answer waits for what the analysis says of it: longer than that where it has much to do. */
const COUNTED_MS = 25

/** With how many records are refused or do not count because of whose they are. */
async function describeIngest(result: IngestResult): Promise<Told> {
  const { accepted, rejectedCount: rejected, replayed, outOfScope, conflicts } = result
  const conflicting = await Promise.race([
    conflicts.catch(() => undefined),
    sleep(COUNTED_MS, undefined, { ref: false }),
  ])
  return {
    numbers: { accepted, rejected, ...positive({ outOfScope, conflicting }) },
    detail: `replayed=${replayed}`,
    records: accepted,
    ...(conflicting === undefined && { late: conflicts.then((late) => positive({ conflicting: late })) }),
  }
}

const positive = (numbers: Record<string, number | undefined>): Numbers =>
  Object.fromEntries(Object.entries(numbers).filter((pair): pair is [string, number] => (pair[1] ?? 0) > 0))

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
