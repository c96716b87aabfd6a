import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type JournalKey, keyWithId } from './key.ts'

/**
 * A frame of a segment: `TBJF`, u32 length of the ciphertext, the key's id (8 bytes), nonce (12 bytes), u32
 * CRC-32 of all this, the ciphertext, the tag of AES-256-GCM (16 bytes). Little-endian. Segment and offset
 * are authenticated too, so that a frame counts at its own place alone.
 */
const MARK = Buffer.from('TBJF')
export const FRAME_HEADER_BYTES = 32
const TAG_BYTES = 16
/** A call of 1000 records is below 1 MiB; whatever claims more is damage. */
const MAX_FRAME_BYTES = 16 << 20

export function encodeFrame(plain: Uint8Array, key: JournalKey, segment: string, offset: number): Buffer {
  const nonce = randomBytes(12)
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  MARK.copy(header, 0)
  header.writeUInt32LE(plain.length, 4)
  key.id.copy(header, 8)
  nonce.copy(header, 16)
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28)
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce)
  cipher.setAAD(placeOf(segment, offset))
  return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Bytes that a frame of this many plain bytes takes. */
export const frameBytes = (plainBytes: number): number => FRAME_HEADER_BYTES + plainBytes + TAG_BYTES

export type DecodedFrame =
  /** `end`: one past the frame. */
  | { kind: 'entry'; plain: Buffer; end: number }
  /** Bytes that are no frame, or one that was changed; `end` is where the next may begin. */
  | { kind: 'damaged'; end: number; reason: string; missingKey?: string }
  /** The rest is not there (yet). */
  | { kind: 'unfinished' }

/** Reads the frame at `at` of `bytes`, which begin at `base` in the segment. */
export function decodeFrame(bytes: Buffer, at: number, base: number, key: JournalKey, segment: string): DecodedFrame {
  if (at + FRAME_HEADER_BYTES > bytes.length) return { kind: 'unfinished' }
  const header = bytes.subarray(at, at + FRAME_HEADER_BYTES)
  const length = header.readUInt32LE(4)
  if (!isHeader(header) || length > MAX_FRAME_BYTES) {
    const next = nextMark(bytes, at + 1)
    return { kind: 'damaged', end: next, reason: 'no frame begins here' }
  }
  const end = at + frameBytes(length)
  if (end > bytes.length) return { kind: 'unfinished' }
  const own = keyWithId(key, header.subarray(8, 16))
  if (own === undefined) {
    const missingKey = header.toString('hex', 8, 16)
    return { kind: 'damaged', end, reason: `encrypted with another key (${missingKey})`, missingKey }
  }
  try {
    const decipher = createDecipheriv('aes-256-gcm', own.bytes, header.subarray(16, 28))
    decipher.setAAD(placeOf(segment, base + at))
    decipher.setAuthTag(bytes.subarray(end - TAG_BYTES, end))
    const plain = Buffer.concat([
      decipher.update(bytes.subarray(at + FRAME_HEADER_BYTES, end - TAG_BYTES)),
      decipher.final(),
    ])
    return { kind: 'entry', plain, end }
  } catch {
    return { kind: 'damaged', end, reason: 'the content was changed' }
  }
}

/** The id of the key that a frame is encrypted with, hexadecimal; `undefined` where this is no header of a frame. */
export const keyIdOf = (header: Buffer): string | undefined =>
  isHeader(header) ? header.toString('hex', 8, 16) : undefined

const isHeader = (header: Buffer): boolean =>
  MARK.equals(header.subarray(0, 4)) && crc32(header.subarray(0, 28)) === header.readUInt32LE(28)

/** Where the next frame may begin; the last bytes may be the start of a mark. */
function nextMark(bytes: Buffer, from: number): number {
  const next = bytes.indexOf(MARK, from)
  return next >= 0 ? next : Math.max(from, bytes.length - MARK.length + 1)
}

const placeOf = (segment: string, offset: number): Buffer => Buffer.from(`${segment}@${offset}`)
