import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { Extensions } from 'type-graphql'
import { inSlices } from '../turns/event-loop.ts'
import { createTurns } from '../turns/in-turn.ts'
import { type AccessRule, isForOperatorsAlone } from './access.ts'
import type { RequestContext } from './context.ts'
import { check } from './cost-error.ts'

// The cost of an operation is the number of values that it is answered with: fields × items of the lists they are in.

export type Args = Readonly<Record<string, unknown>>

/** What a field costs, as far as it is known before it is resolved. */
export interface CostRule {
  /** Items of the list, at most or as is usual; where they depend on its arguments, or those of the field above it, by these. */
  size?: number | ((args: Args, above: Args) => number)
  /** The filter that is asked for: equal texts are the same one. */
  filter?: (args: Args) => string
  /** Bytes of the names in it. */
  filterBytes?: (args: Args) => number
  /** The series that is computed. */
  series?: (args: Args, above: Args) => string
}

/** Declares what a field costs. A list without a declared size keeps the server from starting. */
export function Cost(rule: CostRule): ReturnType<typeof Extensions> {
  return Extensions({ cost: rule })
}

/** Declares how many items a list usually has; what it has in fact is charged while it is resolved. */
export function Size(items: number): ReturnType<typeof Extensions> {
  return Cost({ size: items })
}

export function ruleOf(field: GraphQLField<unknown, unknown>): CostRule | undefined {
  return field.extensions.cost as CostRule | undefined
}

export function isList(type: GraphQLOutputType): boolean {
  return isNonNullType(type) ? isList(type.ofType) : isListType(type)
}

/** What the lists of an operation have cost so far, and how many values one item of each of them is. */
interface Spending extends Granted {
  /** Whatever the event. */
  inLists: number
  spent: number
  /** The event that is answered, in a subscription: each has the whole budget. */
  event: unknown
}

/** What is known of the cost of an operation before it is executed. */
interface Granted {
  itemCosts: ReadonlyMap<unknown, number>
  /** What is in no list. */
  own: number
  /** What the caller was charged with. */
  taken: number
}

const spendings = new WeakMap<object, Spending>()

/** From now on the lists of the operation with this context are charged. */
export function grant(context: object, { itemCosts, own, taken }: Granted): void {
  spendings.set(context, { inLists: 0, spent: 0, event: undefined, itemCosts, own, taken })
}

/** What was granted to one context is another one's, of the same operation. */
export function handOn(from: object, to: object): void {
  const spending = spendings.get(from)
  if (spending !== undefined) spendings.set(to, spending)
}

/** How much more (or less) the operation with this context has cost so far than was taken; `undefined` where it was refused. */
export function owedBy(context: object): number | undefined {
  const spending = spendings.get(context)
  return spending && spending.own + spending.inLists - spending.taken
}

/** What the operation with this context has cost so far; `undefined` where it was refused. */
export function costOf(context: object): number | undefined {
  const spending = spendings.get(context)
  return spending && spending.own + spending.inLists
}

/** Values that are written out in one go, some milliseconds: lists of more give way to others in between. */
const SLICE = 2000

/**
 * Charges every list, in place, with what it has in fact: estimates cannot know how many models there are. What
 * operators alone may see is not charged: a history has as many files as it has. Throws where a list has no declared
 * size.
 */
export function meterLists(schema: GraphQLSchema): GraphQLSchema {
  const undeclared: string[] = []
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if (!isList(field.type)) continue
      if (ruleOf(field)?.size === undefined) undeclared.push(`${type.name}.${field.name}`)
      const resolve = field.resolve ?? defaultFieldResolver
      const access = (field.extensions.access ?? type.extensions.access) as AccessRule | undefined
      const isCharged = access === undefined || !isForOperatorsAlone(access)
      field.resolve = (source, args, context: object, info) => {
        const result: unknown = resolve(source, args, context, info)
        return result instanceof Promise
          ? result.then((items) => serve(items, context, info, isCharged))
          : serve(result, context, info, isCharged)
      }
    }
  }
  if (undeclared.length > 0) throw new Error(`no size is declared for the lists ${undeclared.join(', ')}`)
  return schema
}

function serve(items: unknown, context: object, info: GraphQLResolveInfo, isCharged: boolean): unknown {
  if (!Array.isArray(items)) return items
  const spending = spendings.get(context)
  const itemCost = info.fieldNodes.reduce((sum, node) => sum + (spending?.itemCosts.get(node) ?? 1), 0)
  const cost = items.length * itemCost
  if (spending !== undefined && isCharged) charge(spending, cost, info.rootValue)
  if (cost <= SLICE) return items
  const { principal } = context as Partial<RequestContext>
  return served(items, Math.max(1, Math.floor(SLICE / itemCost)), principal?.userId ?? '')
}

/** Long lists that are written out at the same time: each is some hundred bytes an item until it is. */
const LONG_LISTS = 2
const longLists = createTurns({ atOnce: LONG_LISTS })

/** The items in slices, as soon as it is the caller's turn; until then nothing is made of them. */
function served(items: readonly unknown[], size: number, caller: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    longLists(caller, async () => {
      const sliced = inSlices(items, size, caller)
      resolve(sliced)
      await sliced.at(-1)
    }).catch(reject)
  })
}

function charge(spending: Spending, cost: number, event: unknown): void {
  if (spending.event !== event) {
    spending.event = event
    spending.spent = 0
  }
  spending.inLists += cost
  spending.spent += cost
  check('served', spending.spent)
}
