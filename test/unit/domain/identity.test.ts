import { describe, expect, test } from 'vitest'
import { advisorIdentity, identityOf, lineIdentity } from '../../../src/domain/identity.ts'

const parts = { messageId: undefined, requestId: undefined, uuid: undefined, session: 's', time: 5 }

describe('the identity of a record', () => {
  test('is a globally unique message id alone, whatever the request, session and time', () => {
    const one = identityOf({ ...parts, messageId: 'msg_1', requestId: 'a', uuid: 'u' })
    expect(one).toBe(identityOf({ ...parts, messageId: 'msg_1', requestId: 'b', session: 't', time: 6 }))
    expect(identityOf({ ...parts, messageId: 'x'.repeat(16), requestId: 'a' })).toBe(
      identityOf({ ...parts, messageId: 'x'.repeat(16), requestId: 'b' }),
    )
  })

  test('of a short message id takes the request id along', () => {
    const short = { ...parts, messageId: 'x'.repeat(15) }
    expect(identityOf({ ...short, requestId: 'a' })).not.toBe(identityOf({ ...short, requestId: 'b' }))
    expect(identityOf({ ...short, requestId: 'a', time: 6 })).toBe(identityOf({ ...short, requestId: 'a' }))
  })

  test('of a short message id without a request takes session and time along', () => {
    const short = { ...parts, messageId: 'gen' }
    expect(identityOf(short)).not.toBe(identityOf({ ...short, session: 't' }))
    expect(identityOf(short)).not.toBe(identityOf({ ...short, time: 6 }))
    expect(identityOf(short)).toBe(identityOf({ ...short, uuid: 'u' }))
  })

  test('without a message id is the uuid, and without that is made from the line', () => {
    expect(identityOf({ ...parts, uuid: 'u' })).toBe('uuid:u')
    expect(identityOf(parts)).toBeUndefined()
    expect(lineIdentity('s', 'hash', 7)).not.toBe(lineIdentity('s', 'hash', 8))
  })

  test('never is the same for two kinds, nor for parts that only look alike when joined', () => {
    const identities = [
      identityOf({ ...parts, messageId: 'msg_u' }),
      identityOf({ ...parts, uuid: 'msg_u' }),
      identityOf({ ...parts, messageId: 'a', requestId: 'b:c' }),
      identityOf({ ...parts, messageId: 'a:b', requestId: 'c' }),
      identityOf({ ...parts, messageId: 'a', session: 'b' }),
      lineIdentity('s', 'u', 0),
      advisorIdentity('message:msg_u', 0),
      advisorIdentity('message:msg_u', 1),
    ]
    expect(new Set(identities).size).toBe(identities.length)
  })
})
