/** Texts by number, in the order in which they came. */
export interface Dictionary {
  readonly texts: readonly string[]
  /** The number of a text, a new one if it is new. */
  add(text: string): number
  /** The number of a text, or `undefined`. */
  find(text: string): number | undefined
  /** For each number, the place of its text when all are sorted by their UTF-16 units. */
  ranks(): Uint32Array
}

export function createDictionary(): Dictionary {
  const numbers = new Map<string, number>()
  const texts: string[] = []
  let ranks = new Uint32Array(0)
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
    ranks() {
      if (ranks.length !== texts.length) {
        ranks = new Uint32Array(texts.length)
        texts.toSorted().forEach((text, rank) => {
          ranks[numbers.get(text) as number] = rank
        })
      }
      return ranks
    },
  }
}
