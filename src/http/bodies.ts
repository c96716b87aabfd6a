import type { IncomingMessage } from 'node:http'
import { finished, Transform } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LIMITS } from '../domain/limits.ts'
import type { Budget } from '../ports/budgets.ts'
import type { BodyRoom } from './body-room.ts'
import { hasBody, overloaded, refuse, sendError } from './refusals.ts'
import { createRequestBytes, type RequestBytes } from './request-bytes.ts'

export interface BodiesOptions {
  room: BodyRoom
  /** Whether a body belongs to this request. */
  takesBody: (request: FastifyRequest) => boolean
  /** Whom a request is counted for. */
  addressOf: (request: IncomingMessage) => string
  /** Of bytes, by user. */
  budget: Budget
  onOverload: () => void
}

/**
 * Decides about every body before it is read, while it is read, and when it has arrived whole (ADR 10). After the hook
 * that says who asks: nothing is read for anybody else.
 */
export function guardBodies(
  fastify: FastifyInstance,
  { room, takesBody, addressOf, budget, onOverload }: BodiesOptions,
): void {
  const ends = new WeakMap<FastifyRequest, () => void>()

  fastify.addHook('onRequest', (request, reply, done) => {
    const { principal } = request
    const refuseLoad = (): void => {
      onOverload()
      sendError(reply, 503, overloaded())
    }
    const late =
      room.refused.get(request.raw) ??
      (principal === null ? undefined : budget.refusal(principal.userId, announcedBy(request)))
    if (late !== undefined) {
      if (hasBody(request)) void reply.header('connection', 'close')
      return void sendError(reply, 429, late)
    }
    if (!hasBody(request)) {
      if (principal === null) return done()
      budget.add(principal.userId, request.url.length)
      // the question of a GET stands in the URL: it has arrived with the head, which Node bounds to 16 KiB
      const end = room.work.take(principal.userId, request.url.length)
      if (end === undefined) return refuseLoad()
      ends.set(request, end)
      return done()
    }
    if (principal === null || !takesBody(request)) {
      if (request.is404) return void refuse(request, reply, 404, 'NOT_FOUND', 'no such path')
      return void refuse(request, reply, 400, 'BAD_REQUEST', 'no body is taken here')
    }
    // while it would be refused in the end, it is not read; what is announced takes no room of others
    const announced = announcedBy(request)
    if (announced <= LIMITS.requestBytes.value && !room.work.hasRoom(principal.userId, announced)) return refuseLoad()
    done()
  })

  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const { principal } = request
    if (!hasBody(request) || principal === null) return done(null, payload)
    const bytes = createRequestBytes(room, {
      user: principal.userId,
      address: addressOf(request.raw),
      bytes: announcedBy(request),
    })
    const counted = counting(bytes, onOverload, (received) => budget.add(principal.userId, received))
    // not a pipeline, which would take the connection down with what is refused
    finished(payload, (error) => {
      if (error) counted.destroy(Object.assign(error, { statusCode: 400 }))
    })
    ends.set(request, () => {
      // the rest is read and dropped, so that the client comes to read the answer; not a rest without an end
      if (!request.raw.complete && mayBeEndless(request)) void reply.header('connection', 'close')
      bytes.end()
      payload.unpipe(counted)
      payload.resume()
      counted.destroy()
    })
    done(null, payload.pipe(counted))
  })

  // the work ends with the answer, not when the client has read it
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    ends.get(request)?.()
    ends.delete(request)
    done(null, payload)
  })
}

/** Passes a body on, while there is room for it. `onEnd` is told how much has come, whole or not. */
function counting(bytes: RequestBytes, onOverload: () => void, onEnd: (received: number) => void): Transform {
  let received = 0
  const refused = (): Error => {
    onOverload()
    return overloaded()
  }
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      received += chunk.length
      if (bytes.add(chunk.length)) next(null, chunk)
      else next(refused())
    },
    flush(next) {
      if (bytes.arrive()) next()
      else next(refused())
    },
  })
  // Fastify listens only until it answers, and an error that nobody listens to would end the process
  counted.on('error', () => undefined)
  return counted.once('close', () => {
    onEnd(received)
    bytes.leave()
  })
}

/** Bytes by the head; 0 where it does not say. */
function announcedBy({ headers }: FastifyRequest): number {
  return Number(headers['content-length'] ?? 0)
}

function mayBeEndless(request: FastifyRequest): boolean {
  return request.headers['content-length'] === undefined || announcedBy(request) > LIMITS.requestBytes.value
}
