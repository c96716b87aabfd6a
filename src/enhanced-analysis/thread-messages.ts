import type { SourceAnswer, SourceRequest } from '../ports/token-source.ts'
import type { Root } from './roots.ts'

/** How the analysis thread is started. */
export interface ThreadOptions {
  roots: Root[]
  indexPath: string
  scanThreads: number
  rescanIntervalMs: number
}

export type ToThread =
  | { kind: 'answer'; id: number; request: SourceRequest }
  /** Something changed on disk. */
  | { kind: 'changed' }
  | { kind: 'close' }

export type FromThread =
  | { kind: 'answered'; id: number; answer: SourceAnswer }
  | { kind: 'failed'; id: number; message: string }
  | { kind: 'status'; status: AnalysisStatus }
  | { kind: 'closed' }

/** How the analysis stands; sent at each change. */
export interface AnalysisStatus {
  /** The first look at all transcripts is done: questions can be answered. */
  ready: boolean
  transcripts: number
  /** Identities that are counted. */
  records: number
  bytesTotal: number
  bytesDone: number
  /** Bytes read and refreshes done since the start. */
  bytesRead: number
  refreshes: number
  /** Of the last refresh; 0 before. Milliseconds since 1970, and its length. */
  refreshedAt: number
  refreshMs: number
  /** How far the transcripts are counted. */
  watermark: string
  unreadable: string[]
  indexState: string
  /** The sample answers, because there are no transcripts. */
  sample: boolean
}
