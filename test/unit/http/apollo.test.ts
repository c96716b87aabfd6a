import { buildSchema } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import type { RequestContext } from '../../../src/graphql/context.ts'
import { meterLists } from '../../../src/graphql/cost.ts'
import { createApollo } from '../../../src/http/apollo.ts'
import { NO_BOUNDS } from '../../support/no-bounds.ts'

/** One server, and what a question to it needs to know of who asks. */
async function start() {
  const schema = meterLists(buildSchema('type Query { models: Model } type Model { name: String }'))
  const nothing = (): void => undefined
  const apollo = createApollo({
    schema,
    introspection: false,
    logger: { error: nothing } as never,
    metrics: { operation: nothing, error: nothing } as never,
    answered: { known: { has: () => true } as never, onlyKnown: false },
  })
  await apollo.start()
  onTestFinished(() => apollo.stop())
  const ask = async (query: string) => {
    const contextValue = {
      notes: { answers: [], errors: [] },
      budgets: NO_BOUNDS,
      principal: { userId: 'ann' },
      answers: { basis: nothing },
      audit: { count: nothing },
    } as unknown as RequestContext
    return apollo.executeOperation(
      { query, http: { headers: new Map(), method: 'POST', search: '', body: '' } as never },
      { contextValue },
    )
  }
  return { schema, ask }
}

test('nothing is done for each value of an answer beside resolving it', async () => {
  const { schema, ask } = await start()
  const name = () => schema.getType('Model')?.toConfig() as unknown as { fields: { name: { resolve: unknown } } }
  const before = name().fields.name.resolve
  expect((await ask('{ models { name } }')).body).toMatchObject({ singleResult: { data: { models: null } } })
  // Apollo puts a function of its own around each of them as soon as a plugin wants to hear of values
  expect(name().fields.name.resolve).toBe(before)
})

test('no answer may be kept on its way, whether it is one or a mistake', async () => {
  const { ask } = await start()
  for (const query of ['{ models { name } }', '{ nothing }', '{'])
    expect((await ask(query)).http.headers.get('cache-control'), query).toBe('no-store')
})
