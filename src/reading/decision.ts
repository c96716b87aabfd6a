import type { SourceDecision } from '../domain/source.ts'

/**
 * Which source answers. There is one until the bridge to ClickHouse is built: everybody is on legacy,
 * for the reason that the kill switch will give.
 */
export function decideSource(): SourceDecision {
  return { source: 'LEGACY', reason: 'BRIDGE_DISABLED' }
}
