import { BridgeError, isBridgeError } from '../domain/errors.ts'
import type { GuardEntry, Journal } from '../ports/journal.ts'

/** Whether everybody is on the files, whatever the flags say: since when, by whom and why it is so, or is so no more. */
export interface GuardState {
  tripped: boolean
  /** Milliseconds since 1970; absent where it never tripped. */
  at: number | undefined
  by: string | undefined
  reason: string | undefined
  /** It tripped by itself. */
  automatic: boolean
}

/** The emergency brake: it needs no Unleash, holds over starts, and is heard by every instance. */
export interface Guard {
  state(): GuardState
  /**
   * From this call on everybody is on the files here; it settles when that is on disk. Where the disk takes nothing it
   * counts all the same, until this instance ends, and throws STORAGE_UNAVAILABLE; asked again, it tries the disk again. Where it has tripped, nothing changes,
   * but that a user (`by`) takes over what it did by itself (`by` absent).
   */
  trip(reason: string, by?: string): Promise<GuardState>
  /**
   * Ends it; settles when that is on disk, and counts from then on, unless it was tripped once more meanwhile. Where it
   * has not tripped, nothing changes.
   */
  reset(reason: string, by?: string): Promise<GuardState>
  /** Learns of an entry, in whatever order entries come: of the journal, and of those that others told. */
  remember(entry: GuardEntry): void
}

export interface GuardOptions {
  journal: Journal
  /** It tripped, or was reset, here or elsewhere. */
  onChange: (state: GuardState) => void
  now?: () => number
}

/** Of whether it has tripped, in words. */
export const NOT_KNOWN_YET =
  'not known yet: everybody is on the files until the journal was read, and the database was asked once'

const NEVER: GuardState = { tripped: false, at: undefined, by: undefined, reason: undefined, automatic: false }

/** Who did it, where it did so by itself. */
const ITSELF = 'the guard itself'

export function createGuard({ journal, onChange, now = Date.now }: GuardOptions): Guard {
  let latest: GuardEntry | undefined
  /** It counts here, and the disk has not taken it; nothing of it is left where others said something later. */
  let unkept: GuardEntry | undefined
  /** Resets that are being written: a brake that is pulled meanwhile comes after them. */
  const resetting = new Set<GuardEntry>()
  const state = (): GuardState => {
    if (latest === undefined) return NEVER
    const { tripped, at, by, reason, automatic = false } = latest
    return { tripped, at, by, reason, automatic }
  }
  const remember = (entry: GuardEntry): void => {
    if (latest !== undefined && !isLater(entry, latest)) return
    const changes = entry.tripped !== state().tripped
    latest = entry
    if (unkept !== entry) unkept = undefined
    if (changes) onChange(state())
  }
  /** Later than the one before it, whatever the clock says: the latest counts, on every instance. */
  const entryOf = (tripped: boolean, reason: string, by: string | undefined): GuardEntry => ({
    kind: 'guard',
    at: Math.max(now(), ...[latest, ...resetting].map((entry) => (entry?.at ?? 0) + 1)),
    by: by ?? ITSELF,
    tripped,
    reason,
    ...(by === undefined && { automatic: true }),
  })
  return {
    state,
    remember,
    async trip(reason, by) {
      const isSame = state().tripped && unkept === undefined && resetting.size === 0
      // what an operator wants is not ended by itself
      if (isSame && (by === undefined || !state().automatic)) return state()
      const entry = resetting.size === 0 && unkept !== undefined ? unkept : entryOf(true, reason, by)
      unkept = entry
      // before anything else: whoever pulls a brake does not wait for a disk
      remember(entry)
      await journal.append(entry).catch((cause: unknown) => {
        const why = isBridgeError(cause) ? cause.message : 'the disk took nothing'
        const message = `it has tripped on this instance until its end, and nowhere else: ${why}`
        throw new BridgeError('STORAGE_UNAVAILABLE', message, { cause })
      })
      if (unkept === entry) unkept = undefined
      return state()
    },
    async reset(reason, by) {
      if (!state().tripped) return state()
      const entry = entryOf(false, reason, by)
      resetting.add(entry)
      await journal.append(entry).finally(() => resetting.delete(entry))
      remember(entry)
      return state()
    },
  }
}

/** Of two of one moment it is the same one everywhere: the brake. */
function isLater(entry: GuardEntry, known: GuardEntry): boolean {
  if (entry.at !== known.at) return entry.at > known.at
  if (entry.tripped !== known.tripped) return entry.tripped
  return `${entry.by} ${entry.reason}` > `${known.by} ${known.reason}`
}
