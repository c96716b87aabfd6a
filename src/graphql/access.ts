import { defaultFieldResolver, type GraphQLSchema, isObjectType } from 'graphql'
import { Extensions } from 'type-graphql'
import type { Principal, Role } from '../access/roles.ts'
import { BridgeError } from '../domain/errors.ts'
import { isEverything } from '../domain/scope.ts'
import type { RequestContext } from './context.ts'

/**
 * Who may see a field: those with one of the roles, or everyone who is signed in. What is for operators alone is about
 * the whole service, so it needs a token that sees everything; where a part of it can be shown and done,
 * `operator-of-a-part` lets others in, too, and the resolver obeys their scopes.
 */
export type AccessRule = readonly Role[] | 'signed-in' | 'operator-of-a-part'

/** Declares the rule of a field, or of all fields of a type. Without one the server does not start. */
export function Access(rule: AccessRule): ReturnType<typeof Extensions> {
  return Extensions({ access: rule })
}

/** Those who read: viewers, and operators, who see how things run. */
export const READERS: AccessRule = ['viewer', 'operator']

/**
 * Puts every field behind its rule, in place. Deny by default: throws where a field of an object type,
 * operations included, has no declared rule of its own or of its type.
 */
export function enforceAccess(schema: GraphQLSchema): GraphQLSchema {
  const undeclared: string[] = []
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const rule = (field.extensions.access ?? type.extensions.access) as AccessRule | undefined
      if (rule === undefined) {
        undeclared.push(`${type.name}.${field.name}`)
        continue
      }
      const resolve = field.resolve ?? defaultFieldResolver
      field.resolve = (source, args, context: RequestContext, info) => {
        check(rule, context, `${type.name}.${field.name}`)
        return resolve(source, args, context, info)
      }
      const subscribe = field.subscribe
      if (subscribe !== undefined)
        field.subscribe = (source, args, context: RequestContext, info) => {
          check(rule, context, `${type.name}.${field.name}`)
          return subscribe(source, args, context, info)
        }
    }
  }
  if (undeclared.length > 0) throw new Error(`no access rule is declared for ${undeclared.join(', ')}`)
  return schema
}

function check(rule: AccessRule, { principal }: RequestContext, field: string): void {
  if (rule === 'signed-in') return
  const roles = rule === 'operator-of-a-part' ? OPERATORS : rule
  if (!roles.some((role) => principal.roles.includes(role)))
    throw new BridgeError('FORBIDDEN', `${field} needs the role ${roles.join(' or ')}`)
  if (rule !== 'operator-of-a-part' && isForOperatorsAlone(rule) && !isEverything(principal.access))
    throw new BridgeError('FORBIDDEN', `${field} is about the whole service: it needs a token that sees everything`)
}

const OPERATORS: readonly Role[] = ['operator']

export function isForOperatorsAlone(rule: AccessRule): boolean {
  return rule === 'operator-of-a-part' || (rule !== 'signed-in' && rule.every((role) => role === 'operator'))
}

/** Whether somebody may know how the whole service runs: where its files are, and how much there is. */
export function seesOperations({ roles, access }: Principal): boolean {
  return roles.includes('operator') && isEverything(access)
}
