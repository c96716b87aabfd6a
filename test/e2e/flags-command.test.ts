import { expect, test } from 'vitest'
import { FLAG_NAMES } from '../../src/ports/flags.ts'
import { run, start } from '../support/cli.ts'
import { flagsFile } from '../support/flags.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

test('an operator at the command line sees every flag, its owner and its last change', async () => {
  const folder = makeFolder()
  const path = flagsFile()
  const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off', FLAGS_FILE: path })
  await until('the server', () => server.stdout().includes('answers at') || undefined)
  const listed = async () => JSON.parse((await run(['flags', '--format', 'json'], folder)).stdout)
  expect(await listed()).toMatchObject(Object.values(FLAG_NAMES).map((name) => ({ name, lastChangedAt: null })))
  flagsFile({ shadow_reads_enabled: true }, path)
  const changed = await until('the change', async () => {
    const flag = (await listed()).find(({ name }: { name: string }) => name === FLAG_NAMES.shadowReads)
    return flag.enabled ? flag : undefined
  })
  expect(changed).toMatchObject({ kind: 'operational', owner: 'operations', expectedEnd: null, overdue: false })
  const { code, stdout } = await run(['flags'], folder)
  expect(code).toBe(0)
  expect(stdout).toMatch(/Flag .*State .*Kind .*Owner .*Expected end .*Last change .*As of/)
  expect(stdout).toMatch(/dashboard_ab_test +│ off +│ experiment +│ \S+ +│ \d{4}-\d{2}-\d{2}/)
  expect(stdout).toContain(changed.lastChangedAt)
  expect((await run(['flags', '--format', 'csv'], folder)).code).toBe(2)
})
