import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Principal } from '../access/roles.ts'
import type { RequestContext } from '../graphql/context.ts'
import { nameAsApolloDoes } from '../graphql/persisted-documents.ts'
import type { Addresses } from './address.ts'
import { type Begin, CLIENT_GONE } from './beginning.ts'
import type { Callers, Judged } from './callers.ts'
import { boundUnread } from './connections.ts'
import type { Draining } from './draining.ts'
import { MAX_COMPARED } from './kept-key.ts'
import { hasIt, type Kept, type KeptResponses } from './kept-responses.ts'
import type { NoteRequest } from './logged-requests.ts'
import { requestIdOf } from './request-id.ts'
import { GRAPHQL_PATH } from './subscriptions.ts'
import type { WholeBodies } from './whole-bodies.ts'

/** What Fastify's hooks ask of a request, in the order in which they ask it: nothing stands here that does not stand there. */
export interface ShortWayOptions {
  draining: Pick<Draining, 'cameLate'>
  callers: Callers
  bodies: WholeBodies
  begin: Begin
  responses: KeptResponses
  note: NoteRequest
  addresses: Pick<Addresses, 'of'>
  /** `from`: the caller's address. */
  createContext: (principal: Principal, requestId: string, from: string) => RequestContext
}

type Caller = Extract<Judged, { kind: 'caller' | 'scraper' }>

/**
 * Sends kept responses before Fastify has anything to do with the request, which takes most of the time of such an
 * answer. Only where everything that is asked of any request (`ShortWayOptions`) says yes, and a response is there:
 * everything else, refusals among it, goes Fastify's way from its beginning, as if nobody had looked at it.
 */
export function takeShortWay(server: Server, fastifysWay: RequestListener, options: ShortWayOptions): void {
  server.off('request', fastifysWay)
  server.on('request', (request, response) => {
    const goOn = (): void => fastifysWay(request, response)
    if (options.draining.cameLate(response) || !mayBeShort(request)) return goOn()
    // what fails here fails there, and is told and logged there
    answer(request, response, options).then((isAnswered) => isAnswered || goOn(), goOn)
  })
}

/** A question in the URL, or in a small body whose length is known. */
function mayBeShort({ method, url = '', headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined || !url.startsWith(GRAPHQL_PATH)) return false
  const bytes = Number(headers['content-length'] ?? 0)
  if (method === 'GET') return bytes === 0 && url[GRAPHQL_PATH.length] === '?'
  return method === 'POST' && url.length === GRAPHQL_PATH.length && bytes > 0 && bytes <= MAX_COMPARED
}

/** Whether it was answered; where it was not, the request is as it was. */
async function answer(request: IncomingMessage, response: ServerResponse, options: ShortWayOptions): Promise<boolean> {
  const startedAt = performance.now()
  const judged = await options.callers.judge(request, GRAPHQL_PATH)
  if (judged.kind !== 'caller') return false
  const body = request.method === 'POST' ? arrivedBody(request) : undefined
  if (request.method === 'POST' && body === undefined) return false
  const id = requestIdOf(request)
  let found: Found | undefined
  try {
    found = await keptFor(request, body, { ...judged, id }, options)
  } finally {
    if (found === undefined && body !== undefined) request.unshift(body)
  }
  if (found === undefined) return false
  const { status, headers, payload, notes } = found
  const { principal } = judged.signedIn
  response.once('finish', () => {
    const ms = performance.now() - startedAt
    const path = GRAPHQL_PATH
    options.note({
      raw: request,
      id,
      method: request.method ?? '',
      route: path,
      path,
      status,
      ms,
      principal,
      notes,
      refusedWith: null,
    })
  })
  // the end of the body is heard, so that the next request of the connection is
  request.resume()
  boundUnread(request)
  response.writeHead(status, { ...options.callers.headers, 'x-request-id': id, ...judged.cors, ...headers })
  response.end(payload, 'latin1')
  return true
}

/** What is sent. */
interface Found {
  notes: RequestContext['notes'] | null
  status: 200 | 304 | typeof CLIENT_GONE
  headers: Readonly<Record<string, string>>
  payload: string
}

function answerOf({ headers: asked }: IncomingMessage, kept: Kept): Omit<Found, 'notes'> {
  const { headers, payload } = kept
  if (hasIt(asked, kept)) return { status: 304, headers, payload: '' }
  return { status: 200, headers: { ...headers, 'content-length': String(payload.length) }, payload }
}

/** The body, where all of it came with the head: it is not waited for. */
function arrivedBody(request: IncomingMessage): Buffer | undefined {
  const bytes = Number(request.headers['content-length'])
  if (request.readableLength !== bytes) return undefined
  // exactly so many: who reads further is told of the end, and what was read cannot be put back then
  return (request.read(bytes) as Buffer | null) ?? undefined
}

async function keptFor(
  request: IncomingMessage,
  body: Buffer | undefined,
  { signedIn, id }: Caller & { id: string },
  { bodies, begin, responses, addresses, createContext }: ShortWayOptions,
): Promise<Found | undefined> {
  const { principal } = signedIn
  // nothing is parsed of what is refused
  const taken = bodies.take(request, principal.userId, body)
  if (taken === undefined) return undefined
  let isAnswered = false
  try {
    const key = responses.keyOf(request, questionIn(body), principal)
    if (key === undefined || !responses.has(key)) return undefined
    const refused = await begin(request, signedIn)
    isAnswered = refused === 'gone'
    if (refused === 'gone') return { notes: null, status: CLIENT_GONE, headers: {}, payload: '' }
    if (refused !== undefined) return undefined
    const context = createContext(principal, id, addresses.of(request))
    const kept = await responses.again(request, key, () => context)
    isAnswered = kept !== undefined
    return kept && { notes: context.notes, ...answerOf(request, kept) }
  } finally {
    if (isAnswered) taken.end()
    else taken.giveBack()
  }
}

/** As Fastify reads it; what is no JSON is no question, and nothing is kept for it. */
function questionIn(body: Buffer | undefined): unknown {
  if (body === undefined) return undefined
  const question: unknown = JSON.parse(body.toString())
  nameAsApolloDoes(question)
  return question
}
