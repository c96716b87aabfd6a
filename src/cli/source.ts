import { REASON_MEANINGS, type RoutingReason } from '../domain/source.ts'
import { readRange, readTimeZone } from './analysis-options.ts'
import { type RemoteOptions, request } from './client.ts'
import { ExplainDecisionDocument, ViewerDocument } from './generated.ts'
import { readRoles } from './read-roles.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export interface SourceOptions extends RemoteOptions {
  user?: string
  since?: string
  timeZone: string
  roles?: string
}

/** `token-bridge source`: which source answers the caller now, or another user, and why. */
export async function showSource(options: SourceOptions): Promise<void> {
  const { user } = options
  if (user !== undefined) return explain(user, options)
  if (options.since !== undefined) throw new UsageError('--since wants --user')
  if (options.roles !== undefined) throw new UsageError('--roles wants --user')
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

async function explain(userId: string, options: SourceOptions): Promise<void> {
  const { since, timeZone, roles } = options
  const { from } = readRange(since === undefined ? {} : { since }, readTimeZone(timeZone), 'DAY', Date.now())
  const filter = from === undefined ? null : { from: new Date(from).toISOString() }
  const asked = { userId, filter, ...(roles === undefined ? {} : { roles: readRoles(roles) }) }
  const { explainDecision } = await request(ExplainDecisionDocument, asked, options)
  if (options.json) return void printJson(explainDecision)
  const { decision, text, facts } = explainDecision
  const width = Math.max(...facts.map(({ name }) => name.length))
  printLines([
    text,
    ...meaningOf(decision.reason),
    ...facts.map(({ name, value }) => `  ${name.padEnd(width)}  ${value}`),
  ])
}
