import Table from 'cli-table3'
import { type RemoteOptions, request } from './client.ts'
import { FlagsDocument, type FlagsQuery } from './generated.ts'
import { PLAIN, styledTable } from './tables.ts'
import { printJson, printStyled } from './terminal.ts'

/** `token-bridge flags`: every flag, with who answers for it and until when it should be there. */
export async function showFlags(options: RemoteOptions & { format: 'table' | 'json' }): Promise<void> {
  const { flags } = await request(FlagsDocument, {}, options)
  if (options.json || options.format === 'json') return void printJson(flags)
  const table = new Table({
    ...PLAIN,
    head: ['Flag', 'State', 'Kind', 'Owner', 'Expected end', 'Last change', 'As of'],
  })
  for (const flag of flags) table.push(cellsOf(flag))
  printStyled(styledTable(table.toString(), false))
}

function cellsOf({
  name,
  enabled,
  kind,
  owner,
  expectedEnd,
  overdue,
  lastChangedAt,
  asOf,
}: FlagsQuery['flags'][number]): string[] {
  const end = expectedEnd == null ? 'stays' : expectedEnd.slice(0, DAY)
  return [
    name,
    enabled ? 'on' : 'off',
    kind,
    owner,
    overdue ? `${end} OVERDUE` : end,
    lastChangedAt ?? 'none seen',
    asOf ?? 'never reached',
  ]
}

/** Of an RFC 3339 text: `2027-03-31`. */
const DAY = 10
