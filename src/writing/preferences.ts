import { LRUCache } from 'lru-cache'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { SourcePreference } from '../domain/source.ts'
import type { Journal, PreferenceEntry } from '../ports/journal.ts'

/** The users' own choices of a source: journaled, and known from the journal. */
export interface Preferences {
  /** `AUTO` where nothing was chosen. */
  of(userId: string): SourcePreference
  /** Settles when it is on disk. Throws OVERLOADED where a user changes it all the time. */
  choose(userId: string, preference: SourcePreference): Promise<void>
  /** Learns of an entry, in whatever order entries come: of the journal, and of those that others told. */
  remember(entry: PreferenceEntry): void
}

export interface PreferencesOptions {
  journal: Journal
  /** Whether everything that is in the journal is known: before that nobody can say that nothing changes. */
  isRead: () => boolean
  now?: () => number
}

const WINDOW_MS = 3_600_000
/** What a user whose changes are counted takes in memory, beside the name. */
const COUNT_BYTES = 200

export function createPreferences({ journal, isRead, now = Date.now }: PreferencesOptions): Preferences {
  /** The latest of each user, by the clock of the instance that took it and what it knew. */
  const stored = new Map<string, PreferenceEntry>()
  /** Of those who changed something last. */
  const changes = new LRUCache<string, { until: number; count: number }>({
    maxSize: LIMITS.preferenceCountBytes.value,
    sizeCalculation: (_, userId) => COUNT_BYTES + 2 * userId.length,
  })
  const turns = new Map<string, Promise<void>>()
  const of = (userId: string): SourcePreference => stored.get(userId)?.preference ?? 'AUTO'

  const choose = async (userId: string, preference: SourcePreference): Promise<void> => {
    // where nothing changes there is nothing to keep
    if (isRead() && of(userId) === preference) return
    const known = changes.get(userId)
    const counted = known !== undefined && now() < known.until ? known : { until: now() + WINDOW_MS, count: 0 }
    if (counted.count >= LIMITS.preferenceChanges.value)
      throw new BridgeError('OVERLOADED', 'the preference was changed too often: try again later')
    // later than the one before it, whatever the clock says: the latest counts, on every instance
    const at = Math.max(now(), (stored.get(userId)?.at ?? 0) + 1)
    await journal.append({ kind: 'preference', at, userId, preference })
    changes.set(userId, { ...counted, count: counted.count + 1 })
  }

  return {
    of,
    choose(userId, preference) {
      // one change of a user at a time, so that what is stored is looked at after the one before it
      const before = turns.get(userId) ?? Promise.resolve()
      const turn = before.catch(() => undefined).then(() => choose(userId, preference))
      turns.set(userId, turn)
      const done = (): void => {
        if (turns.get(userId) === turn) turns.delete(userId)
      }
      turn.then(done, done)
      return turn
    },
    remember(entry) {
      const known = stored.get(entry.userId)
      if (known === undefined || isLater(entry, known)) stored.set(entry.userId, entry)
    },
  }
}

/** Of two of one moment it is the same one everywhere. */
const isLater = (entry: PreferenceEntry, known: PreferenceEntry): boolean =>
  entry.at > known.at || (entry.at === known.at && entry.preference > known.preference)
