/** Why a record was not accepted. Codes are part of the contract. */
export const REJECTION_CODES = [
  'invalid_session_id',
  'invalid_timestamp',
  'invalid_tokens',
  'token_count_out_of_range',
  'invalid_text',
  'invalid_identity',
  /** The caller has brought in as many different models as one may. */
  'too_many_models',
  /** Of a user, host or project that the caller may not write for. */
  'OUT_OF_SCOPE',
] as const
export type RejectionCode = (typeof REJECTION_CODES)[number]

/** One mistake in one record of a call. */
export interface RejectedRecord {
  /** Position in the call, from 0. */
  index: number
  code: RejectionCode
  /** Path in the record, such as `tokens.input`. */
  field: string
  message: string
}
