import type { Scope } from '../../domain/scope.ts'
import type { TitledSession } from '../../ports/session-titles.ts'
import { formatOf } from '../../transcripts/format-of.ts'
import { type FoundTitle, TITLE_KINDS } from '../../transcripts/title.ts'
import type { KnownFile } from './known-file.ts'
import type { RecordTable } from './record-table.ts'
import { visibleLogs } from './within.ts'

/** A title of a session, and the file that tells it. */
interface Told extends Pick<FoundTitle, 'kind' | 'text'> {
  file: KnownFile
}

/**
 * The title of each session that transcripts tell, of those that may be seen and have the user and host of the session:
 * one that its user gave before one of the agent's, and that before a summary; of several the last one of the file that
 * was changed last.
 */
export function titlesOf(
  table: RecordTable,
  sessions: readonly TitledSession[],
  access: readonly Scope[],
): (string | undefined)[] {
  const asked = askedOf(table, sessions)
  const summaries = new Map<string, Told[]>()
  const leaves: { leaf: string; session: string; file: KnownFile }[] = []
  const isVisible = visibleLogs(table, access)
  for (const file of table.transcripts()) {
    if (!isVisible(file)) continue
    for (const { kind, of, text } of [...(file.titles ?? []), ...(file.tail.titles ?? [])]) {
      const told = { kind, text, file }
      if (kind === 'summary') summaries.set(of, [...(summaries.get(of) ?? []), told])
      else asked.offer(of, told)
    }
    if (file.leaf !== undefined) leaves.push({ leaf: file.leaf, session: sessionOfFile(table, file), file })
  }
  if (summaries.size > 0)
    for (const { leaf, session } of leaves) for (const told of summaries.get(leaf) ?? []) asked.offer(session, told)
  return asked.titles()
}

/** A summary names no session but its last line, and a file is of one session. */
function sessionOfFile(table: RecordTable, file: KnownFile): string {
  const { pathSession, stem } = formatOf(table.rootOf(file)).nameLog(file.relativePath)
  return pathSession ?? stem
}

/** What is known of the sessions that are asked for. */
function askedOf(table: RecordTable, sessions: readonly TitledSession[]) {
  const best: (Told | undefined)[] = sessions.map(() => undefined)
  const places = Map.groupBy(sessions.keys(), (i) => sessions[i]?.id)
  return {
    offer(id: string, told: Told): void {
      const { user, host } = table.origins.at(told.file.origin)
      for (const i of places.get(id) ?? []) {
        const session = sessions[i]
        if (session?.user !== user || session.host !== host) continue
        if (isBetter(told, best[i])) best[i] = told
      }
    },
    titles: () => best.map((told) => told?.text),
  }
}

/** Of equal ones the later one: it is offered later, or stands in the file whose path is. */
function isBetter(told: Told, than: Told | undefined): boolean {
  if (than === undefined) return true
  if (told.kind !== than.kind) return TITLE_KINDS.indexOf(told.kind) > TITLE_KINDS.indexOf(than.kind)
  if (told.file === than.file) return true
  const [a, b] = [BigInt(told.file.modifiedNs), BigInt(than.file.modifiedNs)]
  return a === b ? told.file.path > than.file.path : a > b
}
