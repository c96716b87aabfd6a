import { expect, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { Logger } from '../../../src/observability/logger.ts'
import { createTroubleLog } from '../../../src/observability/trouble-log.ts'

test('a trouble is told once, without a stack where it is no mistake, then its end, and anew when it is back', () => {
  const lines: unknown[] = []
  const at = (level: string) => (detail: object, message: string) => lines.push([level, message, detail])
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn') } as unknown as Logger
  const log = createTroubleLog(logger, 'fails', 'works', { source: 'HYBRID' })
  const away = new BridgeError('SOURCE_UNAVAILABLE', 'away')
  const bug = new Error('a mistake')
  log.over()
  for (let i = 0; i < 3; i++) log.failed(away)
  log.failed(bug)
  log.over()
  log.over()
  log.failed(away)
  expect(lines).toEqual([
    ['warn', 'fails', { source: 'HYBRID', problem: 'away' }],
    ['debug', 'fails', { source: 'HYBRID', problem: 'away' }],
    ['debug', 'fails', { source: 'HYBRID', problem: 'away' }],
    ['warn', 'fails', { source: 'HYBRID', err: bug }],
    ['info', 'works', { source: 'HYBRID' }],
    ['warn', 'fails', { source: 'HYBRID', problem: 'away' }],
  ])
})
