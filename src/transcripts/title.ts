/** What kinds of titles there are; a later one goes before those before it. */
export const TITLE_KINDS = ['summary', 'ai', 'custom'] as const

/** A title of a session that a transcript tells. It counts nothing and is shipped nowhere: a text to show, where it is known. */
export interface FoundTitle {
  /** Who wrote it: the agent about a session of before, the agent about this one, or its user. */
  kind: (typeof TITLE_KINDS)[number]
  /** The session; of a summary the id of the last line of that session (`TranscriptFormat.leafIn`). */
  of: string
  text: string
}

/** Titles of one file that are kept: a file of summaries alone has one for each session of its project. */
const MAX_TITLES = 1000

/** Adds titles in their order: of those of one kind of the same session the last one counts. */
export function addTitles(to: Map<string, FoundTitle>, titles: Iterable<FoundTitle>): Map<string, FoundTitle> {
  for (const title of titles) {
    const key = `${title.kind} ${title.of}`
    if (to.has(key) || to.size < MAX_TITLES) to.set(key, title)
  }
  return to
}

export function mergeTitles(
  before: readonly FoundTitle[] | undefined,
  added: readonly FoundTitle[] | undefined,
): readonly FoundTitle[] | undefined {
  if (before === undefined || added === undefined) return added ?? before
  return [...addTitles(addTitles(new Map(), before), added).values()]
}
