/** Why a line was refused (rule 9). A refused line is never silent: it is counted under its reason. */
export const REFUSAL_REASONS = [
  'malformed_json',
  'invalid_tokens',
  'invalid_timestamp',
  'invalid_session_id',
  'token_count_out_of_range',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** Of each reason, this many places are kept (rule 9). */
export const MAX_REFUSAL_PLACES = 100
