import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Those whose commands belong together come first, in the order in which a reader follows them: what is migrated, then
 * asked, then isolated and brought back. Whatever else there is comes after them.
 */
const FIRST = [
  'docs/operations.md',
  'README.md',
  'docs/command-line.md',
  'SECURITY.md',
  'docs/runbooks/audit.md',
  'docs/client.md',
  'docs/runbooks/isolate.md',
]

const DOCS = [...new Set([...FIRST, 'CONTRIBUTING.md', ...markdownIn('docs'), 'examples/dashboard-client/README.md'])]

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
    .sort()
}

export interface PrintedCommand {
  path: string
  /** The line, as a reader pastes it. */
  command: string
}

/**
 * Each line of a block of shell commands in the documents. One that several print is there once, but in runbooks, whose
 * steps are followed in their order.
 */
export function printedCommands(): PrintedCommand[] {
  const all = DOCS.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/^```(?:sh|bash|shell|console)\n(.*?)^```/gms)].flatMap(([, block = '']) =>
      block
        .split('\n')
        .map((line) => line.replace(/\s+#\s.*$/, '').trim())
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((command) => ({ path, command })),
    ),
  )
  return all.filter(
    ({ path, command }, i) =>
      path.startsWith('docs/runbooks/') || all.findIndex((other) => other.command === command) === i,
  )
}
