import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/main.ts'

/** Each command with all that its `--help` prints, which no terminal made longer or shorter. */
function helps(command: Command, names: readonly string[] = []): [string, string][] {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
    getOutHelpWidth: () => 80,
  })
  command.outputHelp()
  const below = command.commands.flatMap((one) => helps(one, [...names, one.name()]))
  return [[names.join(' '), text], ...below]
}

const HELPS = helps(createProgram())
/** Paths of this machine, which are as long as they are. */
const isSetting = (line: string): boolean => line.startsWith('  "statusLine": ')

describe('--help', () => {
  test.each(HELPS)('of %s fits into 80 columns', (_name, text) => {
    expect(text.split('\n').filter((line) => line.length > 80 && !isSetting(line))).toEqual([])
  })

  test('of statusline has a command that the agent finds from any folder', () => {
    const [, text = ''] = HELPS.find(([name]) => name === 'statusline') ?? []
    const setting = text.split('\n').find(isSetting) ?? ''
    const { command } = JSON.parse(`{${setting}}`).statusLine
    const [node, program, ...rest] = command.split(' ')
    expect([existsSync(node), existsSync(program), rest]).toEqual([true, true, ['statusline', '--limit', 'max']])
  })
})
