/** The key that the journal is encrypted with. */
export interface JournalKey {
  /** 32 bytes (AES-256). */
  bytes: Buffer
  /** Names the key without telling it: the first 8 bytes of its SHA-256. */
  id: Buffer
}
