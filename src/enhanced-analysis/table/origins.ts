import type { Origin } from '../../domain/token-record.ts'

/** Origins by number, in the order in which they came. */
export class Origins {
  readonly list: Origin[] = []
  readonly #numbers = new Map<string, number>()

  /** The number of an origin, a new one if it is new. */
  add({ project, user, host, path }: Origin): number {
    const key = `${project}\0${user}\0${host}\0${path}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.list.push({ project, user, host, path }) - 1
      this.#numbers.set(key, number)
    }
    return number
  }

  haveSameUser(a: number, b: number): boolean {
    return a === b || this.at(a).user === this.at(b).user
  }

  at(number: number): Origin {
    return this.list[number] as Origin
  }
}
