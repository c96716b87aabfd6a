import { fieldOf, WHOLE_FIELDS } from '../../domain/record-fields.ts'
import { CHECKSUM_FACTOR, CHECKSUM_SEED } from '../../domain/row-checksum.ts'

const LOW = '4294967295'
const WHOLES = WHOLE_FIELDS.map((name) => {
  const { column, type } = fieldOf(name)
  return type === 'moment' ? `toUInt64(toUnixTimestamp64Milli(${column}))` : column
})

/** The same as `domain/row-checksum.ts`, over the columns of a winner. */
export const ROW_CHECKSUM = checksumSql()

function checksumSql(): string {
  const low = (value: string): string => `bitAnd(${value}, ${LOW})`
  const high = (value: string): string => `bitShiftRight(${value}, 32)`
  const half = (shift: number): string =>
    `toUInt64(bitAnd(bitShiftRight(reinterpretAsUInt128(identity), ${shift}), 18446744073709551615))`
  const words = [half(0), half(64)].flatMap((value) => [high(value), low(value)])
  for (const whole of WHOLES) words.push(low(whole), high(whole))
  return words.reduce(
    (hash, word) => `bitAnd(bitXor(${hash}, ${word}) * ${CHECKSUM_FACTOR}, ${LOW})`,
    `toUInt64(${CHECKSUM_SEED})`,
  )
}
