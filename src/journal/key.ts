/** The key that the journal is encrypted with. */
export interface JournalKey {
  /** 32 bytes (AES-256). */
  bytes: Buffer
  /** Names the key without telling it: the first 8 bytes of its SHA-256. */
  id: Buffer
  /** Keys of before, and one that is used later: they are read by alone. */
  others?: readonly JournalKey[]
}

/** The one with an id, of a key and its others. */
export const keyWithId = (key: JournalKey, id: Uint8Array): JournalKey | undefined =>
  key.id.equals(id) ? key : key.others?.find((other) => other.id.equals(id))

/** Of a key and its others, hexadecimal. */
export const keyIds = (key: JournalKey): string[] => [key, ...(key.others ?? [])].map(({ id }) => id.toString('hex'))
