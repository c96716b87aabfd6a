import { createHash } from 'node:crypto'
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FragmentDefinitionNode,
  type GraphQLError,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import { BridgeError, isBridgeError } from '../domain/errors.ts'
import type { Tell } from '../ports/spans.ts'
import type { Follower, Wait } from '../reading/changes.ts'
import { createTurns } from '../turns/in-turn.ts'
import type { RequestContext } from './context.ts'
import { handOn } from './cost.ts'
import { checkCost, settle } from './cost-plugin.ts'
import { factsOfAnswers } from './told-in-traces.ts'

// Subscriptions whose values are answers to a question: each is what the query would answer at that moment.

/** Whatever is overlooked is found by then; what follows from the time, too. */
const RECHECK_MS = 30_000
/** An answer that is no good one is asked for again by then. */
const RETRY_MS = 5000
/** One that was served while a newer one was computed. */
const STALE_MS = 1000

/** Questions of live subscriptions that are answered at once, those of a user one after the other. */
const AT_ONCE = 4
const turns = createTurns({ atOnce: AT_ONCE, ofOneCaller: 1 })

/** What a subscription with live answers yields: it answers by itself, in a context of its own each time. */
export class LiveAnswers implements AsyncIterableIterator<LiveAnswers> {
  readonly #caller: string
  readonly #anew: RequestContext['anew']
  readonly #follower: Follower
  #isPaid = true
  #wait: Wait = { withinMs: RECHECK_MS }
  /** Of what was given last. */
  #digest: string | undefined

  /** Throws where they are turned off. */
  constructor(context: RequestContext) {
    requireTurnedOn(context)
    this.#caller = context.principal.userId
    this.#anew = context.anew
    this.#follower = context.follow()
  }

  async next(): Promise<IteratorResult<LiveAnswers>> {
    return (await this.#follower.next(this.#wait)) ? { done: false, value: this } : END
  }

  async return(): Promise<IteratorResult<LiveAnswers>> {
    this.#follower.end()
    return END
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The answer as it is now; `undefined` where it is the one that was given last. Throws where they are turned off. */
  async answer(args: ExecutionArgs, tell: Tell): Promise<ExecutionResult | undefined> {
    return turns(this.#caller, async () => {
      const context = this.#contextNow(args)
      if (context === undefined) return undefined
      const result = await execute({ ...args, contextValue: context, rootValue: this })
      settle(context)
      this.#wait = { withinMs: recheckOf(context, result) }
      const digest = digestOf(args, result)
      const told = digest !== this.#digest
      tell({ ...factsOfAnswers(context.notes), told })
      if (!told) return undefined
      this.#digest = digest
      return result
    })
  }

  /** Paid for; `undefined` where the caller has nothing left: then it goes on when there is something again. */
  #contextNow({ schema, document, operationName, variableValues, contextValue }: ExecutionArgs) {
    const context = this.#anew()
    requireTurnedOn(context)
    try {
      if (this.#isPaid) {
        // when the subscription was taken; its own context lives as long as it does, and keeps no answers
        handOn(contextValue as RequestContext, context)
        this.#isPaid = false
        return context
      }
      checkCost({ schema, document, operationName, variables: variableValues, context })
      return context
    } catch (error) {
      if (!isBridgeError(error) || error.retryAfterSeconds === undefined) throw error
      const afterMs = error.retryAfterSeconds * 1000
      this.#wait = { afterMs, withinMs: afterMs }
      return undefined
    }
  }
}

const END = { done: true, value: undefined } as const

function requireTurnedOn({ viewer }: RequestContext): void {
  if (!viewer.realTimeUpdates)
    throw new BridgeError('FORBIDDEN', 'live figures are turned off for you (the flag real_time_updates_enabled)')
}

function recheckOf({ notes }: RequestContext, { errors }: ExecutionResult): number {
  if (notes.answers.some(({ cache }) => cache === 'STALE')) return STALE_MS
  if (errors !== undefined || notes.answers.some(({ reason }) => reason === 'SOURCE_UNAVAILABLE')) return RETRY_MS
  return RECHECK_MS
}

export interface LiveArgs extends ExecutionArgs {
  /** Settles when the client has read what it was sent over its connection; absent: it always has. */
  whenRead?: () => Promise<void>
  /** Makes a span of an answer; absent: it is not recorded. */
  trace?: (<T>(answer: (tell: Tell) => Promise<T>) => Promise<T>) | undefined
}

/**
 * Subscribes as GraphQL does; live answers are asked for when the client has taken the one before, so that a slow one
 * gets the latest alone, and those that are as before are left out.
 */
export async function subscribeLive({
  whenRead,
  trace = untraced,
  ...args
}: LiveArgs): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
  const events = await createSourceEventStream(args)
  if (!(Symbol.asyncIterator in events)) return events
  const source = events[Symbol.asyncIterator]()
  const answerTo = async (event: unknown): Promise<ExecutionResult | undefined> => {
    // nobody else waits for whoever reads slowly: it has no turn meanwhile
    if (event instanceof LiveAnswers) await whenRead?.()
    return trace(async (tell) => {
      const result = await (event instanceof LiveAnswers
        ? event.answer(args, tell)
        : execute({ ...args, rootValue: event }))
      const codes = codesOf(result)
      if (codes.length > 0) tell({ errors: codes })
      return result
    })
  }
  let ended = false
  const answers: AsyncIterableIterator<ExecutionResult> = {
    async next() {
      try {
        for (;;) {
          const { done, value: event } = await source.next()
          if (done) return END
          const value = await answerTo(event)
          // whoever has ended it meanwhile is told nothing more
          if (ended) return END
          if (value !== undefined) return { done: false, value }
        }
      } catch (error) {
        await source.return?.()
        throw error
      }
    },
    async return() {
      ended = true
      await source.return?.()
      return END
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
  return answers
}

const untraced: NonNullable<LiveArgs['trace']> = (answer) => answer(() => undefined)

const codesOf = (result: ExecutionResult | undefined): string[] => [...new Set(result?.errors?.map(codeOf))]

/** Without a code, it is a mistake of the program. */
const codeOf = ({ originalError, extensions }: GraphQLError): string =>
  isBridgeError(originalError) ? originalError.code : String(extensions.code ?? 'INTERNAL_SERVER_ERROR')

/** What answers say of the way in which they were given: other values of these make no other answer. */
const PASSING: ReadonlySet<string> = new Set(['asOf', 'cache'])
/** By the name in the answer, what below it is passing; `true`: itself. */
type Passing = Map<string, Passing | true>

const passingOf = new WeakMap<object, Passing>()

/** The same for answers that are the same but for what is passing. */
function digestOf({ document, operationName }: ExecutionArgs, { data, errors }: ExecutionResult): string {
  let passing = passingOf.get(document)
  if (passing === undefined) {
    const fragments = document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
    const operation = getOperationAST(document, operationName)
    passing = operation ? passingIn(operation.selectionSet, fragments) : new Map()
    passingOf.set(document, passing)
  }
  const text = JSON.stringify([lasting(data, passing), errors])
  return createHash('sha256').update(text).digest('base64url')
}

function passingIn(
  { selections }: SelectionSetNode,
  fragments: readonly FragmentDefinitionNode[],
  passing: Passing = new Map(),
): Passing {
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) passingIn(selection.selectionSet, fragments, passing)
    else if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = fragments.find(({ name }) => name.value === selection.name.value)
      if (fragment !== undefined) passingIn(fragment.selectionSet, fragments, passing)
    } else {
      const key = (selection.alias ?? selection.name).value
      const known = passing.get(key)
      const below = known instanceof Map ? known : new Map()
      if (PASSING.has(selection.name.value)) passing.set(key, true)
      else if (selection.selectionSet && passingIn(selection.selectionSet, fragments, below).size > 0)
        passing.set(key, below)
    }
  }
  return passing
}

function lasting(value: unknown, passing: Passing): unknown {
  if (Array.isArray(value)) return value.map((one) => lasting(one, passing))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name]) => passing.get(name) !== true)
  return Object.fromEntries(
    members.map(([name, member]) => {
      const below = passing.get(name)
      return [name, below instanceof Map ? lasting(member, below) : member]
    }),
  )
}
