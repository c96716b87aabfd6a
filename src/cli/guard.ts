import { type RemoteOptions, request } from './client.ts'
import { GuardDocument, type GuardFieldsFragment, ResetGuardDocument, TripGuardDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'

/** `token-bridge guard status`. */
export async function showGuard(options: RemoteOptions): Promise<void> {
  show((await request(GuardDocument, {}, options)).guard, options)
}

/** `token-bridge guard trip`: everybody is on the files when it returns, on every instance within a second. */
export async function tripGuard({ reason, ...options }: RemoteOptions & { reason: string }): Promise<void> {
  show((await request(TripGuardDocument, { reason }, options)).tripGuard, options)
}

/** `token-bridge guard reset`. */
export async function resetGuard({ reason, ...options }: RemoteOptions & { reason: string }): Promise<void> {
  show((await request(ResetGuardDocument, { reason }, options)).resetGuard, options)
}

function show(guard: GuardFieldsFragment, { json }: RemoteOptions): void {
  if (json) return void printJson(guard)
  const { tripped, at, by, reason } = guard
  const last = at === null || at === undefined ? [] : [`since ${at}, by ${by}: ${reason}`]
  printLines([
    tripped
      ? 'tripped: everybody is on the files, until token-bridge guard reset'
      : 'not tripped: flags and progress decide',
    ...last,
  ])
}
