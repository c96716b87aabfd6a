import fc from 'fast-check'

/** How often a property of the fuzz suite is tried: as its test says, or `FUZZ_RUNS` times. */
export const runs = (usual: number): { numRuns: number } => ({ numRuns: Number(process.env.FUZZ_RUNS) || usual })

/** Texts that mean something somewhere, or nothing anywhere. */
export const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '\0',
    '\r\n',
    '\ud800',
    '\udfff\ud83d',
    '\ufeff',
    '\u202e',
    '\x1b[2J',
    'é'.repeat(300),
    'x'.repeat(20_000),
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'null', 'undefined', 'NaN'],
  ...['-0', '00', '1e400', '0x10', '１２', '9'.repeat(61), '9007199254740993', '-9223372036854775809'],
]
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 0.5, 1e21, 1e308, 2 ** 53, -(2 ** 53) - 2, 8.64e15 + 1, Number.MAX_SAFE_INTEGER],
  ...[[], {}, [null], [[]], [[[]]], { __proto__: null, toString: 1 }, JSON.parse('{"__proto__":{"isAdmin":true}}')],
  ...ODD_TEXTS,
]

/** A value of JSON that may stand where another one is expected. */
const oddValue = fc.oneof(fc.constantFrom(...ODD_VALUES), fc.jsonValue({ maxDepth: 2 }))

/** One change of bytes; `at` and `to` are shares of their length. */
type ByteChange = (bytes: Buffer) => Buffer

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const place = (bytes: Buffer, at: number): number => Math.floor(at * bytes.length)

const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  fc.tuple(share, fc.nat(7)).map(([at, bit]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    if (bytes.length > 0) changed[place(bytes, at)] = (bytes[place(bytes, at)] as number) ^ (1 << bit)
    return changed
  }),
  share.map((at) => (bytes: Buffer) => bytes.subarray(0, place(bytes, at))),
  fc.tuple(share, share).map(([a, b]) => (bytes: Buffer) => {
    const [from, to] = [place(bytes, Math.min(a, b)), place(bytes, Math.max(a, b))]
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  }),
  // a part once more, at its end or anywhere
  fc.tuple(share, share, share).map(([a, b, at]) => (bytes: Buffer) => {
    const part = bytes.subarray(place(bytes, Math.min(a, b)), place(bytes, Math.max(a, b)))
    return Buffer.concat([bytes.subarray(0, place(bytes, at)), part, bytes.subarray(place(bytes, at))])
  }),
  fc.tuple(share, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, put]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    changed.set(put.subarray(0, bytes.length - place(bytes, at)), place(bytes, at))
    return changed
  }),
  fc.tuple(share, fc.constantFrom(...ODD_TEXTS)).map(([at, text]) => (bytes: Buffer) => {
    return Buffer.concat([bytes.subarray(0, place(bytes, at)), Buffer.from(text), bytes.subarray(place(bytes, at))])
  }),
  // the greatest number that 4 bytes can hold, as a length
  share.map((at) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    changed.fill(0xff, place(bytes, at), Math.min(bytes.length, place(bytes, at) + 4))
    return changed
  }),
  fc.constant((bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(600)])),
)

/** Ways to damage the bytes of a valid file: one to three changes. */
export const damage: fc.Arbitrary<ByteChange> = fc
  .array(byteChange, { minLength: 1, maxLength: 3 })
  .map((changes) => (bytes: Buffer) => changes.reduce((changed, change) => change(changed), bytes))

/** One to four changes of a value of JSON: members and elements taken out, repeated, renamed, replaced, exchanged. */
export const misshape: fc.Arbitrary<(value: unknown) => unknown> = fc
  .array(fc.tuple(share, fc.nat(5), oddValue, share), { minLength: 1, maxLength: 4 })
  .map((changes) => (value: unknown) => {
    const root = { value: structuredClone(value) }
    for (const [at, kind, odd, other] of changes) change(root, at, kind, odd, other)
    return root.value
  })

interface Slot {
  // biome-ignore lint/suspicious/noExplicitAny: any object or list
  of: any
  key: string | number
}

function slotsIn(of: unknown): Slot[] {
  if (typeof of !== 'object' || of === null) return []
  const keys = Array.isArray(of) ? [...of.keys()] : Object.keys(of)
  return keys.flatMap((key) => [{ of, key }, ...slotsIn((of as Record<string, unknown>)[key])])
}

function change(root: { value: unknown }, at: number, kind: number, odd: unknown, other: number): void {
  const slots = slotsIn(root)
  const { of, key } = slots[Math.floor(at * slots.length)] as Slot
  const value = of[key]
  const set = (name: string | number, to: unknown): void => {
    Object.defineProperty(of, name, { value: to, enumerable: true, configurable: true, writable: true })
  }
  if (kind === 0) set(key, structuredClone(odd))
  else if (kind === 1 && of !== root) Array.isArray(of) ? of.splice(key as number, 1) : delete of[key]
  else if (kind === 2) {
    if (Array.isArray(of)) of.push(structuredClone(value))
    else if (of !== root) set(ODD_TEXTS[Math.floor(other * ODD_TEXTS.length)] as string, structuredClone(value))
  } else if (kind === 3) set(key, [structuredClone(value)])
  else if (kind === 4) {
    const from = slots[Math.floor(other * slots.length)] as Slot
    set(key, structuredClone(from.of[from.key]))
  } else
    set(
      key,
      typeof value === 'number' ? -value * 1e6 : typeof value === 'string' ? `${value}\0` : JSON.stringify(value),
    )
}
