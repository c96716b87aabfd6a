import type { FastifyRequest } from 'fastify'
import type { Principal } from '../access/roles.ts'
import type { RequestContext } from '../graphql/context.ts'
import type { Addresses } from './address.ts'
import { principalOf } from './callers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request for GraphQL, made once. */
    context: RequestContext | null
  }
}

export interface ContextsOptions {
  /** `from`: the caller's address. */
  createContext: (principal: Principal, requestId: string, from: string) => RequestContext
  addresses: Addresses
}

/** Gives the context of a request: of one moment, whatever looks at it. */
export const contextsFor =
  ({ createContext, addresses }: ContextsOptions) =>
  (request: FastifyRequest): RequestContext => {
    request.context ??= createContext(principalOf(request), request.id, addresses.of(request.raw))
    request.notes = request.context.notes
    return request.context
  }
