import { Transform } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LIMITS } from '../domain/limits.ts'
import { addressOf } from './address.ts'
import { createReceivedBytes } from './received-bytes.ts'
import { hasBody, overloaded, refuse, sendError } from './refusals.ts'
import { createWorkBytes } from './work-bytes.ts'

export interface BodiesOptions {
  /** Whether a body belongs to this request. */
  takesBody: (request: FastifyRequest) => boolean
  onOverload: () => void
}

/**
 * Decides about every body before it is read, while it is read, and when it has arrived whole (ADR 10). After the hook
 * that says who asks: nothing is read for anybody else.
 */
export function guardBodies(fastify: FastifyInstance, { takesBody, onOverload }: BodiesOptions): void {
  const received = createReceivedBytes()
  const work = createWorkBytes()
  /** Gives back what a request holds, once. */
  const ends = new WeakMap<FastifyRequest, () => void>()

  fastify.addHook('onRequest', (request, reply, done) => {
    if (!hasBody(request)) return done()
    const { principal } = request
    if (principal === null || !takesBody(request)) {
      if (request.is404) return void refuse(request, reply, 404, 'NOT_FOUND', 'no such path')
      return void refuse(request, reply, 400, 'BAD_REQUEST', 'no body is taken here')
    }
    // while it would be refused in the end, it is not read; what is announced takes no room of others
    const announced = Number(request.headers['content-length'] ?? 0)
    if (announced <= LIMITS.requestBytes.value && !work.hasRoom(principal.userId, announced)) {
      onOverload()
      return void sendError(reply, 503, overloaded())
    }
    done()
  })

  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const { principal } = request
    if (!hasBody(request) || principal === null) return done(null, payload)
    const body = received.open(principal.userId, addressOf(request.raw.socket))
    const announced = Number(request.headers['content-length'] ?? 0)
    const arrival = work.expect(principal.userId, announced)
    let hold = (): void => {
      body.release()
      arrival.end()
    }
    let isEnded = false
    const end = (): void => {
      if (isEnded) return
      isEnded = true
      hold()
    }
    ends.set(request, end)
    // also where it comes to no answer
    reply.raw.once('close', end)
    const refused = (): Error => {
      onOverload()
      return overloaded()
    }
    const counted = new Transform({
      // what comes after the answer is neither counted nor kept
      transform(chunk: Buffer, _encoding, next) {
        if (isEnded) return next()
        arrival.goesOn()
        if (body.add(chunk.length)) next(null, chunk)
        else next(refused())
      },
      flush(next) {
        if (isEnded) return next()
        arrival.end()
        const finish = work.take(principal.userId, body.bytes)
        if (finish === undefined) return next(refused())
        hold = () => {
          body.release()
          finish()
        }
        next()
      },
    })
    // whoever reads it hears of it; after a refusal nobody does
    counted.on('error', () => undefined)
    // not a pipeline, which would take the connection down with what is refused
    payload.once('error', (error) => counted.destroy(error))
    done(null, payload.pipe(counted))
  })

  // the work ends with the answer, not when the client has read it
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const end = ends.get(request)
    // what has not arrived by then is not wanted
    if (end !== undefined && !request.raw.complete) void reply.header('connection', 'close')
    end?.()
    done(null, payload)
  })
}
