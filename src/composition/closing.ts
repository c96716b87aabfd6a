/** What is to be closed, in the reverse of the order in which it was opened. */
export interface Closing {
  add(close: () => unknown): void
  close(): Promise<void>
}

export function createClosing(): Closing {
  const all: (() => unknown)[] = []
  return {
    add: (close) => void all.push(close),
    async close() {
      for (const one of all.splice(0).reverse()) await one()
    },
  }
}

/** Opens something out of several parts: where one of them fails, those before it are closed again. */
export async function openWhole<T>(open: (closing: Closing) => Promise<T>): Promise<T> {
  const closing = createClosing()
  try {
    return await open(closing)
  } catch (error) {
    await closing.close()
    throw error
  }
}
