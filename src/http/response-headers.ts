import type { IncomingHttpHeaders } from 'node:http'

const YEAR_SECONDS = 365 * 86_400

/** What every answer says: it is data, for whoever asked alone. Nothing may be loaded, or shown in a frame; pages say what they load. */
export function securityHeaders(isTls: boolean): Record<string, string> {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(isTls ? { 'strict-transport-security': `max-age=${YEAR_SECONDS}` } : {}),
  }
}

/** What lets a page elsewhere read an answer (CORS). Never with credentials: its user's cookies are not asked for. */
export function corsHeaders(origin: string): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'retry-after, x-request-id',
    vary: 'origin',
  }
}

/** What a browser is told before it sends such a request. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, content-type, apollo-require-preflight, x-request-id',
  'access-control-max-age': '600',
}

export const isPreflight = (method: string, headers: IncomingHttpHeaders): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
