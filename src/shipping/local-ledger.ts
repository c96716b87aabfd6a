import { existsSync } from 'node:fs'
import { factsOf, type LedgerFacts } from './ledger.ts'
import { readEntry } from './ledger-entries.ts'
import { readLedgerFile } from './ledger-file.ts'
import { applyEntry, emptyState } from './ledger-state.ts'

/** What the ledger of the data folder knew when it was read: for as long as the database cannot be asked. */
export interface LocalLedger {
  /** Id of the database that it was written for. */
  store: string
  facts: Pick<LedgerFacts, 'states' | 'archived' | 'migrations' | 'verifiedTokens' | 'hasTranscripts'>
}

/** Reads the ledger and changes nothing. `undefined` where there is none, or none that can be read: whoever opens it is told. */
export function readLocalLedger(path: string): LocalLedger | undefined {
  if (!existsSync(path)) return undefined
  const state = emptyState(0)
  try {
    readLedgerFile(path, (line) => applyEntry(state, readEntry(path, line)))
  } catch {
    return undefined
  }
  return state.opened && { store: state.opened.store, facts: factsOf(() => state) }
}
