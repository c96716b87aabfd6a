import type { Edition } from '../domain/log-name.ts'
import type { PublishedEvidence } from '../ports/record-store.ts'
import type { LedgerFacts, LogNames } from '../shipping/ledger.ts'

export interface LogsBeyondOptions {
  ledger: () => LedgerFacts & LogNames
  evidence: Pick<PublishedEvidence, 'logs'>
}

/**
 * Gives the names of the published logs whose copies this disk has not, or not all of: those that it is `lacking` by what
 * it was told, those that the ledger keeps as archived, and those that no ledger speaks of any more. Where there are none,
 * it costs a statement for each cache generation: of a log that is new since then, the ledger says where it stands.
 */
export function createLogsBeyond({ ledger, evidence }: LogsBeyondOptions) {
  let strange: { key: string; names: Promise<string[]> } | undefined
  const unspoken = async (of: LedgerFacts & LogNames): Promise<string[]> => {
    const known = new Set(of.states().map((state) => of.nameOf(state)))
    return (await evidence.logs()).filter((name) => !known.has(name))
  }
  return async (lacking: readonly Edition[]): Promise<string[]> => {
    const now = ledger()
    const key = `${now.id()} ${now.generation()}`
    if (strange?.key !== key) {
      const names = unspoken(now)
      strange = { key, names }
      names.catch(() => {
        if (strange?.names === names) strange = undefined
      })
    }
    const told = [...now.archived(), ...lacking].map((edition) => now.nameOf(edition))
    return [...new Set([...(await strange.names), ...told])]
  }
}
