import { REASON_MEANINGS, type RoutingReason } from '../domain/source.ts'
import { type RemoteOptions, request } from './client.ts'
import { ViewerDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'

/** `token-bridge source`: which source answers the caller now, and why. */
export async function showSource(options: RemoteOptions): Promise<void> {
  const { viewer } = await request(ViewerDocument, {}, options)
  if (options.json) {
    printJson(viewer)
    return
  }
  const { userId, roles, cohort, preference, decision } = viewer
  printLines([
    `${decision.source} (${decision.reason})`,
    ...meaningOf(decision.reason),
    `user ${userId}, roles ${roles.join(', ')}, cohort ${cohort ?? 'none'}, preference ${preference}`,
  ])
}

/** None of a reason that only a later server knows. */
const meaningOf = (reason: RoutingReason): string[] =>
  Object.hasOwn(REASON_MEANINGS, reason) ? [REASON_MEANINGS[reason]] : []
