import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { errorBody } from './refusals.ts'

/** Made by `scripts/build.js`, of packages that only developers install. */
const FOLDER = new URL('../../dist/graphiql/', import.meta.url)

export const GRAPHIQL_PATH = '/graphiql'

const HTML = 'text/html; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'
const STYLE = 'text/css; charset=utf-8'

/** Each file of the page by its path, with its type: nothing else is read. */
const FILES = {
  '': ['index.html', HTML],
  '/page.js': ['page.js', SCRIPT],
  '/page.css': ['page.css', STYLE],
  '/questions.json': ['questions.json', 'application/json'],
  '/react.js': ['react.js', SCRIPT],
  '/react-dom.js': ['react-dom.js', SCRIPT],
  '/graphiql.js': ['graphiql.js', SCRIPT],
  '/graphiql.css': ['graphiql.css', STYLE],
} as const

/** Everything comes from here; a style of its own has only a dialog that was told the nonce. Fonts are in the style sheet. */
const policyWith = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    'font-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const NOT_BUILT = 'GraphiQL is not in this installation: npm ci, and not --omit=dev, brings it'

/** Whether a request is for the page, or a file of it. They hold nothing of anybody: strangers may read them. */
export const isOfGraphiql = (path: string): boolean => path === GRAPHIQL_PATH || path.startsWith(`${GRAPHIQL_PATH}/`)

/** A page to try questions out on; it asks as whoever the session's cookie signs in. */
export function addGraphiql(fastify: FastifyInstance): void {
  const isBuilt = existsSync(fileURLToPath(FOLDER))
  for (const [path, [file, type]] of Object.entries(FILES))
    fastify.get(`${GRAPHIQL_PATH}${path}`, async (_request, reply) => {
      if (!isBuilt) return reply.code(404).send(errorBody('NOT_FOUND', NOT_BUILT))
      const nonce = randomBytes(16).toString('base64')
      const text = await readFile(new URL(file, FOLDER), 'utf8')
      return reply
        .headers({ 'content-security-policy': policyWith(nonce), 'cache-control': 'no-store' })
        .type(type)
        .send(file === 'index.html' ? text.replace('{{nonce}}', nonce) : text)
    })
}
