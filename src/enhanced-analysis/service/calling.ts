import { isBridgeError } from '../../domain/errors.ts'
import type { Work } from '../../domain/work.ts'
import type { FairTurns } from '../../turns/fair-turns.ts'
import type { AnalysisService, CallName, Calls } from './calls.ts'
import { type Changes, OF_THEIR_MOMENT, type Questions } from './questions.ts'
import type { Standing } from './standing.ts'

export interface CallingOptions {
  turns: FairTurns
  questions: Questions
  changes: Changes
  standing: Pick<Standing, 'tellSoon' | 'tellWhatWaits'>
  onBug: (error: Error) => void
}

/** Puts calls into their turns. */
export function createCalling(options: CallingOptions): AnalysisService['call'] {
  const { turns, questions, changes, standing, onBug } = options
  const isChange = (name: CallName): name is keyof Changes => name in changes

  return <Name extends CallName>(name: Name, asked: Calls[Name][0], caller: string): Promise<Calls[Name][1]> => {
    const { promise, resolve, reject } = Promise.withResolvers<Calls[Name][1]>()
    const onDone = (answer: Calls[Name][1]): void => {
      // whoever gets an answer knows by then how far it goes
      standing.tellWhatWaits()
      resolve(answer)
    }
    const onFailed = (thrown: unknown): void => {
      const error = asError(thrown)
      if (!isBridgeError(error)) onBug(error)
      reject(error)
    }
    if (isChange(name)) {
      const change = changes[name] as (asked: Calls[Name][0]) => void
      turns
        .change(() => {
          change(asked)
          standing.tellSoon()
        })
        .then(() => onDone(undefined as Calls[Name][1]), onFailed)
    } else {
      const question = questions[name as keyof Questions] as (asked: unknown) => Work<Calls[Name][1]>
      turns.ask(caller, () => question(asked), onDone, onFailed, { ofItsMoment: OF_THEIR_MOMENT.has(name) })
    }
    return promise
  }
}

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
