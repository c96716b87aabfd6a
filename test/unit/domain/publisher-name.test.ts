import { describe, expect, test } from 'vitest'
import { describePublisher, publisherName } from '../../../src/domain/publisher-name.ts'

const PLACE = { host: 'tower', instance: '0123456789ab' }

describe('the name of a publisher', () => {
  test('begins with its place, differs for each process, and is told as what an operator looks for', () => {
    const name = publisherName(PLACE, 41, 'http://10.0.0.2:4000')
    expect(name.startsWith('tower:0123456789ab:')).toBe(true)
    expect(publisherName(PLACE, 41, 'http://10.0.0.2:4000')).not.toBe(name)
    expect(describePublisher(name)).toBe('process 41 on tower, http://10.0.0.2:4000')
  })

  test('without an address, as a release before wrote it, is told without one; anything else as it is', () => {
    const before = 'tower:0123456789ab:41:5c8f2b64-6f0e-4a3e-9a63-7d6f3f0a1b2c'
    expect(describePublisher(before)).toBe('process 41 on tower')
    expect(describePublisher('another host')).toBe('another host')
  })
})
