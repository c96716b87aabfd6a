/** Elements of a long list that are looked at; the others are taken to be alike. */
const SAMPLES = 64
const OBJECT_BYTES = 24
const SLOT_BYTES = 8
const BIGINT_BYTES = 24
const STRING_BYTES = 20

/**
 * About how many bytes of memory a value of plain data takes: to bound what is kept, not to account for it. It takes
 * no longer for a long list than for one of some dozen elements. Texts count as often as they are referred to.
 */
export function sizeOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return STRING_BYTES + value.length
    case 'bigint':
      return BIGINT_BYTES
    case 'object':
      if (value === null) return 0
      return Array.isArray(value) ? sizeOfList(value) : sizeOfObject(value)
    default:
      return 0
  }
}

function sizeOfObject(value: object): number {
  let bytes = OBJECT_BYTES
  for (const member of Object.values(value)) bytes += SLOT_BYTES + sizeOf(member)
  return bytes
}

function sizeOfList(list: readonly unknown[]): number {
  const step = Math.max(1, Math.floor(list.length / SAMPLES))
  let bytes = 0
  let looked = 0
  for (let i = 0; i < list.length; i += step) {
    bytes += sizeOf(list[i])
    looked++
  }
  return OBJECT_BYTES + list.length * SLOT_BYTES + (looked === 0 ? 0 : Math.ceil((bytes / looked) * list.length))
}
