const ABSOLUTE = /^https?:\/\/[^/?#]*/i

/** The path and what follows it: proxies send a whole URL in its place, which a server must take (RFC 9112, 3.2.2). */
export function pathOfTarget(target: string): string {
  if (!ABSOLUTE.test(target)) return target
  const path = target.replace(ABSOLUTE, '')
  return path.startsWith('/') ? path : `/${path}`
}

/** What is wrong with the header Host; `undefined` where it is a host, with or without a port. */
export function hostProblem(host: string | undefined): string | undefined {
  if (host === undefined || host === '') return 'the header Host is missing'
  // what would end a host in a URL
  const isOne = !/[\s/?#@\\]/.test(host) && URL.canParse(`http://${host}/`)
  return isOne ? undefined : 'the header Host must be a host, with or without a port'
}
