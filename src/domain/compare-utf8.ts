/**
 * Orders well-formed texts by their UTF-8 bytes, as a database does; JavaScript's `<` orders by UTF-16 units. Bytes of
 * UTF-8 are in the order of code points, of which units are but for surrogates: these stand for the largest ones.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (unitA !== unitB) return placeOf(unitA) - placeOf(unitB)
  }
  return a.length - b.length
}

const placeOf = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
