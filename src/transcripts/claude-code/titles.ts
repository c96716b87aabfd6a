import { isSessionId, LIMITS } from '../../domain/limits.ts'
import { toPlainText } from '../../domain/plain-text.ts'
import type { LogNaming } from '../format.ts'
import type { FoundTitle } from '../title.ts'

/** A longer line is read as no title. */
export const MAX_TITLE_LINE_BYTES = 16 << 10

/** Where each type of line has its text. */
const TEXTS: Readonly<Record<string, { kind: FoundTitle['kind']; member: string }>> = {
  summary: { kind: 'summary', member: 'summary' },
  'ai-title': { kind: 'ai', member: 'aiTitle' },
  'custom-title': { kind: 'custom', member: 'customTitle' },
}
/** Ids that the agent gives to lines. */
const LINE_ID = /^[\w-]{1,100}$/
const LINE_IDS = /"uuid":"([\w-]{1,100})"/g

/** The title that a line tells; `undefined` where it is another line, or says nothing that can be shown. */
export function readTitle(line: string, naming: LogNaming): FoundTitle | undefined {
  const { type, sessionId, leafUuid, ...rest } = parse(line)
  const found = typeof type === 'string' && Object.hasOwn(TEXTS, type) ? TEXTS[type] : undefined
  if (found === undefined) return undefined
  const text = titleOf(rest[found.member])
  const of = found.kind === 'summary' ? lineIdOf(leafUuid) : sessionOf(sessionId, naming)
  return text === undefined || of === undefined ? undefined : { kind: found.kind, of, text }
}

/** By the id of its last line a summary names a session: `uuid` stands at the end of lines that have one. */
export const leafIn = (end: string): string | undefined => [...end.matchAll(LINE_IDS)].at(-1)?.[1]

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    // cut off
    return {}
  }
}

/** One line that shows all that it says. */
function titleOf(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const title = toPlainText(text.replace(/\s+/g, ' ').trim(), LIMITS.titleLength.value).trim()
  return title === '' ? undefined : title
}

const lineIdOf = (id: unknown): string | undefined => (typeof id === 'string' && LINE_ID.test(id) ? id : undefined)

/** As records have it (rule 6); a file's name alone is no session here, so that titles never decide how a file is counted. */
function sessionOf(sessionId: unknown, { pathSession }: LogNaming): string | undefined {
  const session = pathSession ?? sessionId
  return typeof session === 'string' && isSessionId(session) ? session : undefined
}
