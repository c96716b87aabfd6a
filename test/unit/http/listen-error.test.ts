import { expect, test } from 'vitest'
import { listenError } from '../../../src/http/listen-error.ts'

const told = (code: string, host = '127.0.0.1', port = 80): string =>
  listenError(Object.assign(new Error('as Node says it'), { code }), host, port).message

test('an error of listening names the setting and what helps', () => {
  expect(told('EADDRINUSE')).toMatch(/^PORT 80 of HOST 127\.0\.0\.1 is in use .* set PORT to another one/)
  expect(told('EACCES')).toMatch(/^this user may not listen at PORT 80 .*: set PORT to 1024 or above$/)
  expect(told('ENOTFOUND', 'nowhere')).toMatch(/^HOST nowhere is no address of this machine: set HOST to 127\.0\.0\.1/)
  expect(told('EMFILE')).toBe('as Node says it')
})
