import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openFlagsFile } from '../../../src/unleash/flags-file.ts'
import { flagsFile } from '../../support/flags.ts'
import { makeFolder } from '../../support/transcripts.ts'

describe('the moment of a change', () => {
  test('is kept over a restart, and a change while nobody looked is seen at the next start', async () => {
    const path = flagsFile()
    const changesPath = join(makeFolder(), 'flags', 'changes.json')
    const open = async () => {
      const flags = await openFlagsFile(path, { onProblem() {}, onSolved() {} }, { changesPath })
      const { historicalData } = flags.known().flags
      flags.close()
      return historicalData.lastChangedAt
    }
    expect(await open()).toBeUndefined()
    flagsFile({ historical_data_enabled: false }, path)
    const seen = await open()
    expect(seen).toBeGreaterThan(Date.now() - 60_000)
    expect(await open()).toBe(seen)
    writeFileSync(changesPath, '{ damaged')
    expect(await open()).toBeUndefined()
  })
})
