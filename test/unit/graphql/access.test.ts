import { buildSchema, GraphQLObjectType, GraphQLSchema, GraphQLString, graphql } from 'graphql'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/access/roles.ts'
import { EVERYTHING, type Scope } from '../../../src/domain/scope.ts'
import { enforceAccess } from '../../../src/graphql/access.ts'

describe('access', () => {
  test('an operation or field without a declared rule does not start', () => {
    expect(() => enforceAccess(buildSchema('type Query { a: Thing } type Thing { b: String }'))).toThrow(
      'no access rule is declared for Query.a, Thing.b',
    )
  })

  test('a rule of a field beats that of its type, and neither lets strangers in', async () => {
    const query = new GraphQLObjectType({
      name: 'Query',
      extensions: { access: ['viewer'] },
      fields: {
        a: { type: GraphQLString, resolve: () => 'a' },
        b: { type: GraphQLString, resolve: () => 'b', extensions: { access: ['operator'] } },
        c: { type: GraphQLString, resolve: () => 'c', extensions: { access: 'signed-in' } },
      },
    })
    const schema = enforceAccess(new GraphQLSchema({ query }))
    const ask = async (roles: string[]) =>
      (
        await graphql({
          schema,
          source: '{ a b c }',
          contextValue: { principal: { userId: 'u', roles, access: EVERYTHING } },
        })
      ).data
    expect({ ...(await ask(['viewer'])) }).toEqual({ a: 'a', b: null, c: 'c' })
    expect({ ...(await ask(['operator'])) }).toEqual({ a: null, b: 'b', c: 'c' })
    expect({ ...(await ask([])) }).toEqual({ a: null, b: null, c: 'c' })
  })

  test('what is for operators alone is for those who see everything, unless it says that it obeys scopes', async () => {
    const fields = Object.fromEntries(
      [['operator'], ['viewer', 'operator'], 'operator-of-a-part', 'signed-in'].map((access, i) => [
        `f${i}`,
        { type: GraphQLString, resolve: () => 'told', extensions: { access } },
      ]),
    )
    const schema = enforceAccess(new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) }))
    const told = async (roles: Role[], access: readonly Scope[]) => {
      const contextValue = { principal: { userId: 'u', roles, access } }
      const { data, errors = [] } = await graphql({ schema, source: '{ f0 f1 f2 f3 }', contextValue })
      return [Object.entries(data ?? {}).flatMap(([name, value]) => (value === null ? [] : [name])), errors[0]?.message]
    }
    expect(await told(['operator'], EVERYTHING)).toEqual([['f0', 'f1', 'f2', 'f3'], undefined])
    expect(await told(['operator'], [{ users: ['u'] }])).toEqual([
      ['f1', 'f2', 'f3'],
      'Query.f0 is about the whole service: it needs a token that sees everything',
    ])
    expect((await told(['viewer'], EVERYTHING))[0]).toEqual(['f1', 'f3'])
  })
})
