import type { GraphQLResolveInfo } from 'graphql'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Role } from '../../../src/access/roles.ts'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { RequestContext } from '../../../src/graphql/context.ts'
import { createSchema } from '../../../src/graphql/schema.ts'
import type { AuditEvent } from '../../../src/ports/audit.ts'

const schema = await createSchema()
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})

/** Asks for a mutation as somebody with these roles, where everything behind it fails. */
async function ask(name: string, roles: readonly Role[], requireRoom = () => {}) {
  const events: Partial<AuditEvent>[] = []
  const note = async (event: Partial<AuditEvent>) => void events.push(event)
  const isolation = { isIsolated: () => false }
  const context = {
    principal: { userId: 'ann', roles },
    isolation,
    audit: { requireRoom, note, noteRepeated: note, count: note },
  }
  const field = mutations.find((one) => one.name === name)
  const asked = field?.resolve?.({}, {}, context as unknown as RequestContext, {} as GraphQLResolveInfo)
  const error = await Promise.resolve(asked).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { events, error }
}

describe('every mutation of the schema', () => {
  beforeAll(() => expect(mutations.length).toBeGreaterThan(10))

  test.each(mutations.map(({ name }) => name))('%s is noted, whatever came of it', async (name) => {
    expect((await ask(name, ['viewer', 'ingester', 'operator'])).events).toMatchObject([{ action: `mutation ${name}` }])
    expect((await ask(name, [])).events).toMatchObject([{ action: `mutation ${name}`, outcome: expect.any(String) }])
  })

  // what takes everybody out of danger is done on a full disk, too
  test.each(mutations.map(({ name }) => name).filter((name) => name !== 'isolate' && name !== 'tripGuard'))(
    '%s is not begun where nothing can be noted',
    async (name) => {
      const full = new BridgeError('STORAGE_UNAVAILABLE', 'full')
      const { events, error } = await ask(name, ['viewer', 'ingester', 'operator'], () => {
        throw full
      })
      expect(error).toBe(full)
      expect(events).toEqual([])
    },
  )
})
