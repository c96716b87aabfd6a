import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditTable } from '../ports/audit.ts'
import { againAndAgain } from '../turns/again-and-again.ts'
import type { Head } from './head.ts'
import { createLinesAfter } from './lines.ts'

export interface AuditTellingOptions {
  folder: string
  instance: string
  head: () => Head
  table: AuditTable
  /** The database has all entries up to this position. */
  onTold?: (position: number) => void
  /** The database has of this chain what the disk has not. */
  onDamage: (damage: string) => void
}

const TELL_MS = 1000
/** How long the end waits for a database that does not answer. */
const END_MS = 1000

/**
 * Tells the database what the disk has, again and again. What is there is asked for first, and looked at afterwards, so
 * that a statement whose answer was lost tells nothing twice. Returns how to stop.
 */
export function tellAudit({
  folder,
  instance,
  head,
  table,
  onTold,
  onDamage,
}: AuditTellingOptions): () => Promise<void> {
  const lines = createLinesAfter(folder)
  let told: number | undefined

  const look = async (): Promise<number> => {
    const { chain, position } = head()
    const last = await table.lastOf(chain)
    if (last === undefined) return -1
    if (last.position > position)
      onDamage(`the database has its entries up to ${last.position}, the disk those up to ${position} alone`)
    const [line] = lines.read(last.position - 1)
    if (line !== undefined && line.entry.position === last.position && line.hmac !== last.hmac)
      onDamage(`its entry ${last.position} is another one than the database was told`)
    return last.position
  }
  const tell = async (position: number): Promise<number> => {
    const { chain } = head()
    const found = lines.read(position)
    const last = found.at(-1)
    if (last === undefined) return position
    const rows = found.map(({ body, hmac, entry }) => {
      const line = `${body.toString('utf8')},"hmac":"${hmac}"}`
      return { ...entry, chain, instance, line }
    })
    await table.add(rows)
    const there = await table.lastOf(chain)
    if (there?.position !== last.entry.position || there.hmac !== last.hmac)
      throw new Error('the database has not what it was told')
    return last.entry.position
  }
  const step = async (): Promise<void> => {
    try {
      told ??= await look()
      onTold?.(told)
      while (told < head().position) {
        const next: number = await tell(told)
        if (next === told) return
        told = next
        onTold?.(told)
      }
    } catch (error) {
      // nobody knows what of it arrived
      told = undefined
      throw error
    }
  }
  // two at once would tell the same
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (): Promise<void> => {
    const next = turn.then(step)
    turn = next.catch(() => undefined)
    return next
  }
  const stop = againAndAgain(inTurn, TELL_MS)
  return async () => {
    await stop(END_MS)
    // what came last
    await Promise.race([inTurn().catch(() => undefined), sleep(END_MS, undefined, { ref: false })])
  }
}
