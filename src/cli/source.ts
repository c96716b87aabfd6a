import { type RemoteOptions, request } from './client.ts'
import { ViewerDocument } from './generated.ts'

/** `token-bridge source`: which source answers the caller now, and why. */
export async function showSource(options: RemoteOptions): Promise<void> {
  const { viewer } = await request(ViewerDocument, {}, options)
  if (options.json) {
    process.stdout.write(`${JSON.stringify(viewer, null, 2)}\n`)
    return
  }
  const { userId, roles, cohort, preference, decision } = viewer
  process.stdout.write(
    `${decision.source} (${decision.reason})\nuser ${userId}, roles ${roles.join(', ')}, cohort ${cohort ?? 'none'}, preference ${preference}\n`,
  )
}
