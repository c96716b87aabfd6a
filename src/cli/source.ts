import { REASON_MEANINGS, type RoutingReason } from '../domain/source.ts'
import { type RemoteOptions, request } from './client.ts'
import { ExplainDecisionDocument, ViewerDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** `token-bridge source`: which source answers the caller now, or another user, and why. */
export async function showSource(options: RemoteOptions & { user?: string; since?: string }): Promise<void> {
  const { user, since } = options
  if (user !== undefined) return explain(user, since, options)
  if (since !== undefined) throw new UsageError('--since wants --user')
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

async function explain(userId: string, since: string | undefined, options: RemoteOptions): Promise<void> {
  const filter = since === undefined ? null : { from: since }
  const { explainDecision } = await request(ExplainDecisionDocument, { userId, filter }, options)
  if (options.json) return void printJson(explainDecision)
  const { decision, text, facts } = explainDecision
  const width = Math.max(...facts.map(({ name }) => name.length))
  printLines([
    text,
    ...meaningOf(decision.reason),
    ...facts.map(({ name, value }) => `  ${name.padEnd(width)}  ${value}`),
  ])
}
