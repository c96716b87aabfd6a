import { BridgeError, type ErrorCode, isBridgeError } from '../../domain/errors.ts'
import type { AnalysisOptions } from '../analysis.ts'
import type { AnalysisStatus, CallName, Calls } from '../service/calls.ts'
import type { JournaledRange } from '../table/journal-update.ts'

/** How the analysis thread is started. */
export interface ThreadOptions extends Required<Pick<AnalysisOptions, 'indexPath' | 'scanThreads'>> {
  roots: AnalysisOptions['roots']
  rescanIntervalMs: number
}

export type ToThread =
  | { [Name in CallName]: { kind: 'call'; id: number; caller: string; name: Name; asked: Calls[Name][0] } }[CallName]
  | { kind: 'journaled'; ranges: readonly JournaledRange[] }
  | { kind: 'begin'; maySample: boolean }
  | { kind: 'changed' }
  | { kind: 'close' }

export type FromThread =
  | { kind: 'answered'; id: number; answer: Calls[CallName][1] }
  | { kind: 'failed'; id: number; error: SentError }
  | { kind: 'status'; status: AnalysisStatus }
  | { kind: 'bug'; error: SentError }
  | { kind: 'closed' }

/** An error as a message: what is cloned between threads keeps no class and none of its own fields. */
export interface SentError {
  message: string
  stack: string | undefined
  /** Of a `BridgeError`. */
  code?: ErrorCode
  argument?: string | undefined
}

export function sent(error: Error): SentError {
  const { message, stack } = error
  return isBridgeError(error) ? { message, stack, code: error.code, argument: error.argument } : { message, stack }
}

export function received({ message, stack, code, argument }: SentError): Error {
  const error =
    code === undefined ? new Error(message) : new BridgeError(code, message, argument === undefined ? {} : { argument })
  // where it happened, not where it was received
  if (stack !== undefined) error.stack = stack
  return error
}
