import { isRefusal } from '../domain/errors.ts'
import type { PublishedRecords, StatementTurn } from '../ports/record-store.ts'

/** A question was put to the database: how long its statements took, and whether one of them failed. */
export type OnDatabaseAsked = (ms: number, failed: boolean) => void

/**
 * Tells how the database does. What a question waits for before it is its turn says nothing of that, nor does what the
 * files do; a refusal is no failure of the database's.
 */
export function timedPublished(
  published: PublishedRecords,
  onAsked: OnDatabaseAsked,
  now = () => performance.now(),
): PublishedRecords {
  return {
    async answer(asked, excluded, inTurn = (statement) => statement()) {
      let ms = 0
      const timed: StatementTurn = (run) =>
        inTurn(async () => {
          const startedAt = now()
          try {
            return await run()
          } finally {
            ms += now() - startedAt
          }
        })
      try {
        const answers = await published.answer(asked, excluded, timed)
        onAsked(ms, false)
        return answers
      } catch (error) {
        if (!isRefusal(error)) onAsked(ms, true)
        throw error
      }
    },
    // a part of a question, whose answer is told above
    copiesIn: (...asked) =>
      published.copiesIn(...asked).catch((error: unknown) => {
        if (!isRefusal(error)) onAsked(0, true)
        throw error
      }),
  }
}
