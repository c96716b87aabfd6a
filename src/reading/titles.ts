import DataLoader from 'dataloader'
import type { Scope } from '../domain/scope.ts'
import type { SessionTitles, TitledSession } from '../ports/session-titles.ts'

/** What sessions are called, for one request. */
export interface Titles {
  /** `undefined` where nobody knows, or where the transcripts cannot be asked now: an answer is whole without it. */
  of(session: TitledSession): Promise<string | undefined>
}

export function createTitles(from: SessionTitles, access: readonly Scope[], caller: string): Titles {
  let loader: DataLoader<TitledSession, string | undefined, string> | undefined
  const newLoader = () =>
    new DataLoader<TitledSession, string | undefined, string>(
      (sessions) =>
        from
          .titles(
            // of an answer, which has much more
            sessions.map(({ id, user, host }) => ({ id, user, host })),
            access,
            caller,
          )
          .catch(() => sessions.map(() => undefined)),
      { cacheKeyFn: ({ id, user, host }) => JSON.stringify([id, user, host]) },
    )
  return {
    of(session) {
      loader ??= newLoader()
      return loader.load(session)
    },
  }
}
