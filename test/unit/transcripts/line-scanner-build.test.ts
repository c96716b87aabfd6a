import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileScanner, SCANNER_WASM } from '../../../scripts/compile-scanner.ts'
import { makeFolder } from '../../support/transcripts.ts'

test('the line scanner that is kept is what its source compiles to (npm run scanner)', async () => {
  const compiled = join(makeFolder(), 'line-scanner.wasm')
  await compileScanner(compiled)
  expect(readFileSync(SCANNER_WASM).equals(readFileSync(compiled))).toBe(true)
})
