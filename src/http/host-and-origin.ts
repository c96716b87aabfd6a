import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { LRUCache } from 'lru-cache'
import { isLoopback } from '../domain/loopback.ts'
import { hostProblem } from './request-target.ts'

/** Names of which it is remembered whether they are ours. */
const MAX_HOSTS = 100

export interface Names {
  /** Names under which the bridge is asked, beside those of this machine and all addresses. */
  allowedHosts: readonly string[]
  /** Origins of pages elsewhere that may ask. */
  corsOrigins: readonly string[]
  /** Whether pages of this machine may ask, from any port. */
  loopbackOrigins: boolean
  /** Whether everything comes by HTTPS. */
  isTls: boolean
}

export interface Misled {
  status: 400 | 403
  code: 'BAD_REQUEST' | 'FORBIDDEN'
  message: string
}

/** Whether a request was meant for this server, and whether the page that sent it may ask. */
export interface HostAndOrigin {
  /** What is wrong with it; `undefined` where nothing is. */
  problemOf(request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Misled | undefined
  /** Whether a page of ours sent it, as a browser says. */
  isOwnPage(headers: IncomingHttpHeaders): boolean
  /** The page's origin, where it is one of those elsewhere that may ask. */
  elsewhere(headers: IncomingHttpHeaders): string | undefined
}

/**
 * A browser sends requests for any page that somebody looks at. By its `Origin` a page of others is known; by `Host` one
 * whose name was made to point here, so that it passes for ours (DNS rebinding). An address cannot be made to.
 */
export function createHostAndOrigin({ allowedHosts, corsOrigins, loopbackOrigins, isTls }: Names): HostAndOrigin {
  /** A dashboard asks under one name again and again. */
  const ofHosts = new LRUCache<string, { misled: Misled | undefined }>({
    max: MAX_HOSTS,
    memoMethod: (host) => ({ misled: problemOfHost(host) }),
  })
  const isOurs = (host: string): boolean => {
    const name = new URL(`http://${host}`).hostname.replace(/\.$/, '')
    return isLoopback(name) || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || allowedHosts.includes(name)
  }
  const problemOfHost = (host: string): Misled | undefined => {
    const problem = hostProblem(host)
    if (problem !== undefined) return { status: 400, code: 'BAD_REQUEST', message: problem }
    return isOurs(host) ? undefined : forbidden('this server is not asked under that name: ALLOWED_HOSTS names others')
  }
  const isOwn = (origin: string, host: string): boolean => {
    const url = URL.parse(origin)
    // a proxy in front may end HTTPS
    const isScheme = url?.protocol === 'https:' || (url?.protocol === 'http:' && !isTls)
    return isScheme && url?.host === URL.parse(`${url?.protocol}//${host}`)?.host
  }
  const mayAsk = (origin: string): boolean => corsOrigins.includes(origin) || (loopbackOrigins && isOfLoopback(origin))
  const elsewhere = ({ origin, host = '' }: IncomingHttpHeaders): string | undefined =>
    origin !== undefined && !isOwn(origin, host) && mayAsk(origin) ? origin : undefined
  return {
    problemOf({ headers, rawHeaders }) {
      const { host = '', origin } = headers
      if (hasTwoHosts(rawHeaders)) return TWO_HOSTS
      const { misled } = ofHosts.memo(host)
      if (misled !== undefined) return misled
      if (origin === undefined || isOwn(origin, host) || elsewhere(headers) !== undefined) return undefined
      return forbidden('pages of that origin may not ask: CORS_ORIGINS names those that may')
    },
    // a browser leaves Origin out where a page reads from its own server
    isOwnPage: ({ origin, host = '', 'sec-fetch-site': site }) =>
      origin === undefined ? site === 'same-origin' : isOwn(origin, host),
    elsewhere,
  }
}

/** Of several, Node tells the first, and a proxy may have looked at another one (RFC 9112, 3.2). */
const TWO_HOSTS: Misled = { status: 400, code: 'BAD_REQUEST', message: 'the header Host stands there more than once' }

/** `rawHeaders`: names, each followed by its value. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 'host'.length && rawHeaders[at]?.toLowerCase() === 'host') hosts++
  return hosts > 1
}

/** As a browser writes it, and nothing else: it is sent back. */
function isOfLoopback(origin: string): boolean {
  const url = URL.parse(origin)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === origin && isLoopback(url.hostname)
}

const forbidden = (message: string): Misled => ({ status: 403, code: 'FORBIDDEN', message })
