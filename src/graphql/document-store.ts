import type { DocumentNode, Location } from 'graphql'
import { LRUCache } from 'lru-cache'
import { LIMITS } from '../domain/limits.ts'

/** What a lexical token takes in memory, with the nodes that are made of it: measured, at most. */
const TOKEN_BYTES = 500

/** Keeps documents that were found valid, those that were asked lately, however many different ones come. */
export function createDocumentStore() {
  const kept = new LRUCache<string, DocumentNode>({
    maxSize: LIMITS.rememberedDocumentBytes.value,
    sizeCalculation: ({ loc }, key) => 2 * key.length + 2 * (loc?.end ?? 0) + TOKEN_BYTES * tokensOf(loc),
  })
  return {
    get: async (key: string) => kept.get(key),
    set: async (key: string, document: DocumentNode) => void kept.set(key, document),
    delete: async (key: string) => kept.delete(key),
  }
}

/** How many tokens a document has, with the two that mark its start and its end. */
function tokensOf(loc: Location | undefined): number {
  let count = 0
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) count++
  return count
}
