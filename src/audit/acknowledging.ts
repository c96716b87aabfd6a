import { setImmediate } from 'node:timers/promises'
import { BridgeError } from '../domain/errors.ts'
import type { Work } from '../domain/work.ts'
import type { AuditEvent } from '../ports/audit.ts'
import type { AuditLog } from './audit-log.ts'
import { MAX_PROBLEMS, verifyingAudit } from './verify.ts'

/**
 * An operator knows of everything that is wrong with a log by now: one entry a problem. From then on health tells it no
 * more, and verification as acknowledged. Returns the problems. Throws CONFLICT where there are too many to be told.
 */
export async function acknowledgeDamage(
  log: Pick<AuditLog, 'flush' | 'acknowledge'>,
  { folder, key }: { folder: string; key: Buffer },
  by: Pick<AuditEvent, 'who' | 'from' | 'request'>,
): Promise<string[]> {
  // what was found at the start is an entry then
  await log.flush()
  const { problems } = await inTurns(verifyingAudit(folder, key))
  if (problems.length >= MAX_PROBLEMS)
    throw new BridgeError('CONFLICT', `${MAX_PROBLEMS} problems or more: move ${folder} away to begin a new chain`)
  await log.acknowledge(problems, by)
  return problems
}

async function inTurns<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    await setImmediate()
  }
}
