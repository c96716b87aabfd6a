import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/main.ts'

const DOCS = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...markdownIn('docs')]

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
}

/** Each `token-bridge` command that stands in a block of shell commands, without what follows `#`, `|` or `>`. */
const PRINTED = DOCS.flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    [...block.matchAll(/^(?:\w+=\S+ )*npx token-bridge( .*)$/gm)].map(([, rest = '']) => ({
      path,
      words: wordsOf(rest),
    })),
  ),
)

/** As a shell splits them. */
function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const [word] of text.matchAll(/'[^']*'|"[^"]*"|[^\s'"]+/g)) {
    if (/^[#|>&;]/.test(word)) break
    words.push(word.replaceAll(/^['"]|['"]$/g, ''))
  }
  return words
}

/** The program, of which every command does nothing. */
function idle(command: Command): Command {
  command.action(() => undefined)
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined, outputError: () => undefined })
  for (const below of command.commands) idle(below)
  return command
}

test.each(PRINTED.map(({ path, words }) => [words.join(' '), path, words] as const))(
  'token-bridge %s, as %s prints it, is a command with these options',
  async (_text, _path, words) => {
    const program = createProgram()
    for (const command of program.commands) idle(command)
    if (words[0] === '--help' || words[0] === '--version') return
    await expect(program.parseAsync(words, { from: 'user' })).resolves.toBeDefined()
  },
)

test('there are many commands in the documents', () => expect(PRINTED.length).toBeGreaterThan(40))
