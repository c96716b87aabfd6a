import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { createDocumentStore } from '../../../src/graphql/document-store.ts'

/** How many of so many documents are still there. */
async function keptOf(count: number, textOf: (n: number) => string): Promise<number> {
  const store = createDocumentStore()
  for (let n = 0; n < count; n++) await store.set(`key-${n}`, parse(textOf(n)))
  let kept = 0
  for (let n = 0; n < count; n++) if ((await store.get(`key-${n}`)) !== undefined) kept++
  return kept
}

test('documents are kept by what they take in memory: by their tokens more than by their letters', async () => {
  const dense = `{ ${'a '.repeat(2400)}}`
  const padded = (n: number) => `{ a(text: "${n}${'x'.repeat(dense.length)}") }`
  expect(await keptOf(100, padded)).toBe(100)
  // each takes more than a megabyte
  expect(await keptOf(100, (n) => `{ b${n} ${dense.slice(1)}`)).toBeLessThan(LIMITS.rememberedDocumentBytes.value / 1e6)
})
