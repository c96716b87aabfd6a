import type { Unleash } from 'unleash-client'
import type { FlagPlace, Flags } from '../ports/flags.ts'
import type { DefinitionsRepository } from './definitions.ts'
import { createExperimentFlag, type ImpressionListener, startSilentClient } from './experiment-setup.ts'
import type { Problems } from './problems.ts'
import { createUserFlags } from './user-flags.ts'

/** How flags are evaluated, wherever their definitions come from. `unleash` counts; it ends with what is returned. */
export async function startEvaluation(
  unleash: Unleash,
  repository: DefinitionsRepository,
  problems: Problems,
  listener: ImpressionListener,
  place: FlagPlace | undefined,
): Promise<{ flags: Pick<Flags, 'of' | 'experiment' | 'noteExposure'>; end(): void }> {
  const silent = await startSilentClient(repository)
  return {
    flags: {
      of: createUserFlags(unleash, repository, problems, place, silent),
      ...createExperimentFlag(unleash, repository, listener, place),
    },
    end() {
      unleash.destroy()
      silent.destroy()
    },
  }
}
