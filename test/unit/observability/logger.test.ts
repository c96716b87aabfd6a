import { describe, expect, test } from 'vitest'
import { createLogger } from '../../../src/observability/logger.ts'

function logged(level: string, write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = []
  write(createLogger(level, { write: (line) => void lines.push(line) }))
  return lines.join('')
}

describe('the log', () => {
  test('has of a request its method and path alone', () => {
    const line = logged('info', (logger) =>
      logger.info({ req: { method: 'GET', url: '/graphql?query=hidden', headers: { authorization: 'hidden' } } }, 'x'),
    )
    expect(JSON.parse(line).req).toEqual({ method: 'GET', path: '/graphql' })
    expect(line).not.toContain('hidden')
  })

  test('blots out secrets and questions wherever they turn up', () => {
    for (const key of ['authorization', 'cookie', 'token', 'secret', 'password', 'query', 'variables'])
      for (const object of [{ [key]: 'hidden' }, { a: { [key]: 'hidden' } }, { a: { b: { [key]: 'hidden' } } }])
        expect(logged('info', (logger) => logger.info(object, 'x'))).not.toContain('hidden')
  })

  test('keeps to its level', () => {
    expect(logged('warn', (logger) => logger.info('x'))).toBe('')
    expect(logged('silent', (logger) => logger.fatal('x'))).toBe('')
  })
})
