import { describe, expect, test } from 'vitest'
import { createLogsBeyond } from '../../../src/migration/logs-beyond.ts'
import type { LogState } from '../../../src/ports/logs.ts'
import type { LedgerFacts, LogNames } from '../../../src/shipping/ledger.ts'

const state = (key: string): LogState => ({
  key,
  edition: 0,
  path: key,
  relativePath: key,
  fingerprint: { counted: 0, sha256: '' },
  publishedTo: 1,
})

/** A ledger that knows and keeps some logs, over a database with some names. */
function scene({ states = [] as string[], archived = [] as string[], published = [] as string[] }) {
  const world = { generation: 1, statements: 0, fails: false, published }
  const ledger = {
    id: () => 'l',
    generation: () => world.generation,
    states: () => states.map(state),
    archived: () => archived.map(state),
    nameOf: ({ key, edition }: { key: string; edition: number }) => `l/${key}#${edition}`,
  } as unknown as LedgerFacts & LogNames
  const logsBeyond = createLogsBeyond({
    ledger: () => ledger,
    evidence: {
      async logs() {
        world.statements++
        if (world.fails) throw new Error('away')
        return world.published
      },
    },
  })
  return { world, logsBeyond }
}

describe('the logs beyond this disk', () => {
  test('are none where the ledger knows all that is published, and all of it is on disk', async () => {
    const { logsBeyond } = scene({ states: ['a', 'b'], published: ['l/a#0', 'l/b#0'] })
    expect(await logsBeyond([])).toEqual([])
  })

  test('are those that the disk lacks, that are archived, and that no ledger speaks of: each once', async () => {
    const { logsBeyond } = scene({ states: ['a'], archived: ['b'], published: ['l/a#0', 'l/b#0', 'old/a#0', 'l/c#3'] })
    const names = await logsBeyond([{ key: 'a', edition: 0 }])
    expect(names.toSorted()).toEqual(['l/a#0', 'l/b#0', 'l/c#3', 'old/a#0'])
  })

  test('cost a statement for each generation, and another one after a failure', async () => {
    const { world, logsBeyond } = scene({ published: ['old/a#0'] })
    world.fails = true
    await expect(logsBeyond([])).rejects.toThrow('away')
    world.fails = false
    for (let i = 0; i < 3; i++) expect(await logsBeyond([])).toEqual(['old/a#0'])
    expect(world.statements).toBe(2)
    world.generation++
    world.published = []
    expect(await logsBeyond([])).toEqual([])
    expect(world.statements).toBe(3)
  })
})
