import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'

/** Letters of documents: parsed, each takes some hundred bytes of memory. */
const MAX_LETTERS = 256 << 10

/** Keeps documents that were found valid, those that were asked lately, however many different ones come. */
export function createDocumentStore() {
  const kept = new LRUCache<string, DocumentNode>({
    maxSize: MAX_LETTERS,
    sizeCalculation: ({ loc }) => Math.max(1, loc?.end ?? 0),
  })
  return {
    get: async (key: string) => kept.get(key),
    set: async (key: string, document: DocumentNode) => void kept.set(key, document),
    delete: async (key: string) => kept.delete(key),
  }
}
