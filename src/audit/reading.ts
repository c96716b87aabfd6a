import type { AuditFilter, AuditPage, AuditPlace, AuditReading, AuditTable, PlacedEntry } from '../ports/audit.ts'
import type { AuditFile } from './files.ts'
import { entriesBackwards } from './lines.ts'

export interface AuditReadingOptions {
  folder: string
  /** Of the chain in it. */
  chain: string
  instance: string
  /** What other instances told; absent while there is no database. */
  others: () => AuditTable | undefined
}

/** Entries on disk that are looked at for one page. */
const MAX_LOOKED_AT = 200_000
const LATEST: AuditPlace = { at: Number.MAX_SAFE_INTEGER, chain: '~', position: Number.MAX_SAFE_INTEGER }

export function createAuditReading({ folder, chain, instance, others }: AuditReadingOptions): AuditReading {
  /** Own entries, and the place up to which it was looked where that was not everywhere. */
  const own = async (after: AuditPlace, filter: AuditFilter, most: number) => {
    const found: PlacedEntry[] = []
    let lookedAt = 0
    const mayHave = ({ first }: AuditFile): boolean => after.chain !== chain || first < after.position
    for await (const { entry } of entriesBackwards(folder, mayHave)) {
      const placed = { ...entry, chain, instance }
      if (isBefore(placed, after) && isWanted(entry, filter)) found.push(placed)
      if (found.length === most) break
      if (++lookedAt === MAX_LOOKED_AT) return { found, until: placed }
    }
    return { found, until: undefined }
  }
  return {
    async page(first, after = LATEST, filter): Promise<AuditPage> {
      const table = others()
      const [{ found, until }, told = []] = await Promise.all([
        own(after, filter, first + 1),
        table?.before(chain, after, filter, first + 1),
      ])
      const all = [...found, ...told]
        .filter((one) => until === undefined || !isBefore(one, until))
        .sort((a, b) => (isBefore(a, b) ? 1 : -1))
      const entries = all.slice(0, first)
      return { entries, next: all.length > first ? entries.at(-1) : until }
    },
  }
}

function isBefore(one: AuditPlace, other: AuditPlace): boolean {
  if (one.at !== other.at) return one.at < other.at
  if (one.chain !== other.chain) return one.chain < other.chain
  return one.position < other.position
}

const isWanted = (entry: Pick<PlacedEntry, 'who' | 'action'>, { who, action }: AuditFilter): boolean =>
  (who === undefined || entry.who === who) && (action === undefined || entry.action === action)
