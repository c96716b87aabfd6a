/** The options of `statusline`, for the command line and for its help. */
export const STATUS_OPTIONS = {
  'time-zone': { value: 'zone', about: 'IANA time zone that today is of, or local', fallback: 'local' },
  limit: { value: 'tokens', about: 'what a block may use: a number, or max: the most that an earlier one had' },
} as const satisfies Record<string, { value: string; about: string; fallback?: string }>

export interface StatusOptions {
  timeZone: string
  limit: string | undefined
  /** Where the agent's JSON is; `-` is stdin. */
  file: string
}
