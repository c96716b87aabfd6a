/** Texts by number, in the order in which they came. */
export interface Dictionary {
  readonly texts: readonly string[]
  /** The number of a text, a new one if it is new. */
  add(text: string): number
  /** The number of a text, or `undefined`. */
  find(text: string): number | undefined
}

export function createDictionary(): Dictionary {
  const numbers = new Map<string, number>()
  const texts: string[] = []
  return {
    texts,
    add(text) {
      let number = numbers.get(text)
      if (number === undefined) {
        number = texts.length
        numbers.set(text, number)
        texts.push(text)
      }
      return number
    },
    find: (text) => numbers.get(text),
  }
}
