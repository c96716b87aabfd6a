import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const OPERATOR: Role[] = ['viewer', 'operator']
const SHOP: Scope[] = [{ projects: ['shop'] }]

describe('where the server has its files', () => {
  test('is told to operators who see everything, and to nobody else', async () => {
    const folder = makeFolder()
    mkdirSync(join(folder, 'data'), { mode: 0o700 })
    // the index cannot be written there, which is told with its path
    writeFileSync(join(folder, 'data', 'index'), 'no folder')
    const server = await startServer(folder)
    const query = '{ health { state components { name state detail } } }'
    const told = async (roles: Role[], access: readonly Scope[]) =>
      JSON.stringify((await server.ask(query, {}, roles, { access })).data)
    expect(await told(OPERATOR, [{}])).toContain(folder)
    for (const [roles, access] of [
      [['viewer'], [{}]],
      [OPERATOR, SHOP],
    ] as [Role[], Scope[]][]) {
      expect(await told(roles, access)).not.toContain(folder)
      expect(await told(roles, access)).toContain('{"name":"enhanced-analysis","state":"DEGRADED","detail":null}')
    }
    expect(await (await fetch(`${server.url}/health/ready`)).text()).toBe('{"status":"ready"}')
  })
})
