import fc from 'fast-check'
import { columnsOf, encodeFileUpdate, type FileUpdateHeader } from '../../src/enhanced-analysis/table/file-update.ts'
import type { TokenCopy } from '../../src/transcripts/token-copy.ts'

export function copy(parts: Partial<TokenCopy> & { identity: string }): TokenCopy {
  const filled = {
    time: 0,
    offset: 0,
    input: 1,
    output: 1,
    cacheRead: 0,
    cacheCreation5m: 0,
    cacheCreation1h: 0,
    sidechain: false,
    model: 'm',
    session: 's',
    branch: '',
    ...parts,
  }
  const { input, output, cacheRead, cacheCreation5m, cacheCreation1h } = filled
  return { ...filled, total: input + output + cacheRead + cacheCreation5m + cacheCreation1h }
}

export function encode(path: string, copies: TokenCopy[], more: Partial<FileUpdateHeader> = {}): ArrayBuffer {
  const { texts, records } = columnsOf(copies)
  const header: FileUpdateHeader = {
    key: path,
    path: `/${path}`,
    root: '/',
    relativePath: path,
    size: 10,
    modifiedNs: '1',
    from: 0,
    to: 10,
    fingerprint: { counted: 10, sha256: '' },
    copies: copies.length,
    refused: {},
    tail: { copies: 0, records: 0, refused: {} },
    usesStem: false,
    texts,
    ...more,
  }
  return encodeFileUpdate(header, records)
}

export const anyCopy = fc
  .record({
    identity: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    time: fc.integer({ min: 0, max: 2 }).map((n) => n * 900_000),
    offset: fc.nat({ max: 3 }),
    output: fc.integer({ min: 0, max: 2 }),
    sidechain: fc.boolean(),
    model: fc.constantFrom('m1', 'm2'),
    session: fc.constantFrom('s1', 's2', 's3'),
  })
  .map(copy)
