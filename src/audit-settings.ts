import type { z } from 'zod'
import { KEY_FORM } from './domain/key-text.ts'
import { keys, text, whole } from './setting-schemas.ts'

// The settings of the audit log: rows of `SETTINGS`, and what they come to.

export const AUDIT_SETTINGS = {
  AUDIT_KEY: {
    schema: keys('AUDIT_KEY').refine((given) => given === undefined || given.length === 1, {
      message: `AUDIT_KEY must be one key: ${KEY_FORM}`,
    }),
    fallback: 'made at the first start, under `DATA_DIR`',
    about: `key of the audit log's chain: ${KEY_FORM}; whoever has it can forge the log, so it is best kept elsewhere`,
  },
  AUDIT_KEY_FILE: {
    schema: text,
    fallback: 'none',
    about: 'file that holds that key, instead of `AUDIT_KEY`; nobody but its owner may read it',
  },
  AUDIT_MAX_MB: {
    schema: whole('AUDIT_MAX_MB', 32, 1_048_576, 1024),
    fallback: '1024',
    about:
      'MiB of audit log under `DATA_DIR/audit`; beyond that the oldest files of it go, which it says itself; what a database server has not been told yet stays until there is twice as much',
  },
  ALARM_REQUESTS_PER_MINUTE: {
    schema: whole('ALARM_REQUESTS_PER_MINUTE', 1, 1e9, 6000),
    fallback: '6000',
    about: 'requests of one caller, a user or an address without one, within a minute: more is an alarm',
  },
  ALARM_RECORDS_PER_MINUTE: {
    schema: whole('ALARM_RECORDS_PER_MINUTE', 1, 1e12, 1_000_000),
    fallback: '1000000',
    about: 'records that one caller brings in within a minute: more is an alarm',
  },
  ALARM_FAILURES_PER_MINUTE: {
    schema: whole('ALARM_FAILURES_PER_MINUTE', 1, 1e9, 60),
    fallback: '60',
    about: 'requests of one caller that are denied or fail within a minute: more is an alarm',
  },
} as const

export interface AuditConfig {
  /** 32 bytes, or the path of the file that holds them; absent: a key that is made at the first start, under `dataDir`. */
  key: Buffer | { file: string } | undefined
  maxBytes: number
  /** More of one caller within a minute is an alarm. */
  alarms: { requests: number; records: number; failures: number }
}

type Shape = { [Name in keyof typeof AUDIT_SETTINGS]: (typeof AUDIT_SETTINGS)[Name]['schema'] }
type Settings = z.output<z.ZodObject<Shape>>

/** `pathOf`: makes an absolute path. */
export function auditOf(settings: Settings, pathOf: (path: string | undefined) => string | undefined): AuditConfig {
  const file = pathOf(settings.AUDIT_KEY_FILE)
  return {
    key: file === undefined ? settings.AUDIT_KEY?.[0] : { file },
    maxBytes: settings.AUDIT_MAX_MB * 2 ** 20,
    alarms: {
      requests: settings.ALARM_REQUESTS_PER_MINUTE,
      records: settings.ALARM_RECORDS_PER_MINUTE,
      failures: settings.ALARM_FAILURES_PER_MINUTE,
    },
  }
}
