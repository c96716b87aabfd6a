import { expect, test } from 'vitest'
import { BridgeError, invalidArgument } from '../../../../src/domain/errors.ts'
import { received, sent } from '../../../../src/enhanced-analysis/thread/messages.ts'

const across = (error: Error): Error => received(structuredClone(sent(error)))

test('an error that may be told is the same on the other side', () => {
  const cause = { stream: () => 'nothing that can be cloned' }
  for (const error of [
    invalidArgument('filter.from', 'no moment'),
    new BridgeError('OVERLOADED', 'later', { cause }),
  ]) {
    const { code, message, argument, retryable } = error
    expect(across(error)).toBeInstanceOf(BridgeError)
    expect(across(error)).toMatchObject({ code, message, argument, retryable })
  }
})

test('any other error keeps its message and the place where it happened', () => {
  const error = new TypeError('not a function')
  expect(across(error)).not.toBeInstanceOf(BridgeError)
  expect(across(error)).toMatchObject({ message: error.message, stack: error.stack })
})
