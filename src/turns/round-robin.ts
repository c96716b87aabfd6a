/** Items of several callers: the next is for the caller whose turn is longest ago, and of one caller the oldest. */
export interface RoundRobin<T> {
  add(caller: string, item: T): void
  /** Takes it out; `undefined` where there is none. */
  next(): T | undefined
}

export function createRoundRobin<T>(): RoundRobin<T> {
  /** Of those who have something; whoever has had a turn goes to the end. */
  const queues = new Map<string, T[]>()
  return {
    add(caller, item) {
      const queue = queues.get(caller)
      if (queue === undefined) queues.set(caller, [item])
      else queue.push(item)
    },
    next() {
      const first = queues.entries().next().value
      if (first === undefined) return undefined
      const [caller, queue] = first
      const item = queue.shift()
      queues.delete(caller)
      if (queue.length > 0) queues.set(caller, queue)
      return item
    },
  }
}
