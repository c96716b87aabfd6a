import type { Scope } from '../domain/scope.ts'

/** A session, as an answer shows it. */
export interface TitledSession {
  id: string
  user: string
  host: string
}

/** What sessions are called in the transcripts on this disk, whichever source counts them. Only shown. */
export interface SessionTitles {
  /** In the order of the sessions; `undefined` where no transcript that may be seen tells one. */
  titles(
    sessions: readonly TitledSession[],
    access: readonly Scope[],
    caller: string,
  ): Promise<readonly (string | undefined)[]>
}
