import type { TokenQuery } from '../domain/token-query.ts'
import type { SourceRequest } from './token-source.ts'

/** What is asked of both sources: the question, and what whoever asked may see. */
export type ComparedQuestion = Pick<SourceRequest, 'queries' | 'access'>

/** A field in which the two answers to one query differ. */
export interface FieldDifference {
  /** Such as `whole[claude-opus-4-1].output`. */
  field: string
  /** What the files say. */
  control: string
  /** What ClickHouse says. */
  candidate: string
}

export interface QueryDifference extends FieldDifference {
  query: TokenQuery
}

/** Why two answers cannot be compared; that is never a mismatch. */
export const DISCARD_REASONS = [
  /** Something was published, or came to disk, between the two answers, each time. */
  'MOVED',
  /** This disk has not all of a log that is published, or a log waits to be shipped anew. */
  'DISK_BEHIND',
  /** There are no transcripts here: the sample answers. */
  'SAMPLE',
  /** One of the two could not answer. */
  'UNAVAILABLE',
  'TOO_EXPENSIVE',
  'OVERLOADED',
  /** Both say that there is nothing: that speaks for nobody. */
  'EMPTY',
  /** A mistake, which is in the log. */
  'FAILED',
] as const
export type DiscardReason = (typeof DISCARD_REASONS)[number]

export type Compared =
  | {
      outcome: 'AGREED' | 'DIFFERS'
      /** How many records the files counted for it. */
      records: bigint
      /** The first fields that differ. */
      differences: QueryDifference[]
      /** Archived records were left out on both sides: no transcript on this disk has them. */
      leavesArchived: boolean
    }
  | { outcome: 'DISCARDED'; reason: DiscardReason; error?: unknown }

/** Puts a question to both sources at the same moment. Never throws. */
export interface Comparing {
  /** `databaseFirst`: which of the two is asked first makes no difference to what they say, or it is found. */
  compare(question: ComparedQuestion, databaseFirst: boolean): Promise<Compared>
  /** The files against the files, in the same way: they must never differ. */
  compareControl(question: ComparedQuestion): Promise<Compared>
}

/** Why a sampled question is not compared at all. */
export type DropReason =
  /** Enough are waiting. */
  | 'QUEUE_FULL'
  /** The same question is waiting. */
  | 'WAITS_ALREADY'
  /** Something has much to do: users are first. */
  | 'EVENT_LOOP_BUSY'
  | 'ANALYSIS_BUSY'
  | 'DATABASE_BUSY'
  /** There is no database now, or nobody knows how far it is. */
  | 'NO_DATABASE'

/** What comparisons came to, since the start. */
export interface ShadowCounts {
  agreed: number
  differed: number
  /** Of these, those that were seen again. */
  confirmed: number
  /** The files compared with the files: how often, and how often they differed. */
  controls: number
  controlsDiffered: number
  /** Comparisons that left archived records out. */
  leftArchived: number
  discarded: Partial<Record<DiscardReason, number>>
  dropped: Partial<Record<DropReason, number>>
}
