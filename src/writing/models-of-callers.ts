import { LIMITS } from '../domain/limits.ts'
import type { IngestEntry } from '../ports/journal.ts'

/**
 * Sums are kept by model, so each model makes every group of every answer longer, for everybody: one ingester may bring
 * in so many different ones. What was accepted is known from the journal, so it stays the same after a restart.
 */
export interface ModelsOfCallers {
  /** Whether a record of this model may come in; it counts as one of the caller's from then on, or until it is released. */
  admit(caller: string, model: string): 'known' | 'new' | false
  /** New ones of a call that did not come in after all. */
  release(caller: string, models: readonly string[]): void
  /** Whether a record of this model would be refused. */
  refuses(caller: string, model: string): boolean
  /**
   * Learns of an entry of the journal. What it has may go on coming in, also where it is more than the bound: by another
   * instance at the same time, or a release before there was one.
   */
  remember(entry: Pick<IngestEntry, 'caller' | 'records'>): void
}

export function createModelsOfCallers(most: number = LIMITS.modelsOfIngester.value): ModelsOfCallers {
  const callers = new Map<string, Set<string>>()
  const refuses = (caller: string, model: string): boolean => {
    const models = callers.get(caller)
    return models !== undefined && models.size >= most && !models.has(model)
  }
  const admit = (caller: string, model: string): 'known' | 'new' | false => {
    const models = callers.get(caller) ?? new Set()
    if (models.has(model)) return 'known'
    if (refuses(caller, model)) return false
    callers.set(caller, models.add(model))
    return 'new'
  }
  return {
    admit,
    refuses,
    release(caller, models) {
      for (const model of models) callers.get(caller)?.delete(model)
      if (callers.get(caller)?.size === 0) callers.delete(caller)
    },
    remember({ caller, records }) {
      const models = callers.get(caller) ?? new Set()
      for (const { model } of records) models.add(model)
      if (models.size > 0) callers.set(caller, models)
    },
  }
}
