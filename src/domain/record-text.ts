import type { RecordCopy } from './token-record.ts'

/**
 * A record as one line of text, the same in every store, so that a digest over it can be compared:
 * the fields in this order, separated by tabs. ClickHouse makes the same text in SQL.
 */
export function recordText(log: string, r: RecordCopy): string {
  return [
    uuidOf(r.identity),
    log,
    r.position,
    r.time,
    r.session,
    r.project,
    r.model,
    r.user,
    r.host,
    r.input,
    r.output,
    r.cacheRead,
    r.cacheCreation5m,
    r.cacheCreation1h,
    r.sidechain ? 1 : 0,
    r.byMutation ? 1 : 0,
    r.path,
    r.offset,
  ].join('\t')
}

/** 32 hexadecimal digits as a UUID. */
export function uuidOf(identity: string): string {
  return `${identity.slice(0, 8)}-${identity.slice(8, 12)}-${identity.slice(12, 16)}-${identity.slice(16, 20)}-${identity.slice(20)}`
}
