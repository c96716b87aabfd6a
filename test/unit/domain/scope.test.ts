import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonicalScopes,
  EVERYTHING,
  isScopeWithin,
  outsideOf,
  type Scope,
  withinOneOf,
} from '../../../src/domain/scope.ts'
import { requestKey } from '../../../src/reading/question-key.ts'

const NAMES = ['ann', 'bob', 'eve'] as const
const someNames = fc.option(fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }), { nil: undefined })
const anyScope: fc.Arbitrary<Scope> = fc.record({ users: someNames, projects: someNames, hosts: someNames })
const anyScopes = fc.array(anyScope, { maxLength: 4 })
/** Every record there can be. */
const RECORDS = NAMES.flatMap((user) => NAMES.flatMap((project) => NAMES.map((host) => ({ user, project, host }))))
const letIn = (scopes: readonly Scope[]) => RECORDS.filter(withinOneOf(scopes))

describe('scopes', () => {
  test('let in what is in every list of one of them', () => {
    fc.assert(
      fc.property(anyScopes, (scopes) => {
        const expected = RECORDS.filter(({ user, project, host }) =>
          scopes.some(
            (scope) =>
              (scope.users?.includes(user) ?? true) &&
              (scope.projects?.includes(project) ?? true) &&
              (scope.hosts?.includes(host) ?? true),
          ),
        )
        expect(letIn(scopes)).toEqual(expected)
      }),
    )
  })

  test('have one form, which lets the same in, and is a part of no other key', () => {
    const key = (access: readonly Scope[]) => requestKey({ queries: [], access, quality: false })
    fc.assert(
      fc.property(anyScopes, anyScopes, (scopes, others) => {
        const canonical = canonicalScopes(scopes)
        expect(letIn(canonical)).toEqual(letIn(scopes))
        expect(canonicalScopes(canonical)).toEqual(canonical)
        const turned = scopes
          .toReversed()
          .map((scope) => Object.fromEntries(Object.entries(scope).map(([list, names]) => [list, names?.toReversed()])))
        expect(canonicalScopes([...turned, ...scopes])).toEqual(canonical)
        expect(key([...turned, ...scopes])).toBe(key(scopes))
        // answers are shared by those who see the same, and by nobody else
        if (key(others) === key(scopes)) expect(letIn(others)).toEqual(letIn(scopes))
        for (const one of canonical)
          for (const other of canonical) expect(one === other || !isScopeWithin(one, other)).toBe(true)
      }),
    )
    expect(canonicalScopes([{ users: ['ann'] }, {}])).toBe(EVERYTHING)
    expect(canonicalScopes([{ users: [] }])).toEqual([])
    expect(key([])).not.toBe(key(EVERYTHING))
  })

  test('are within another one if that lets in all that they do', () => {
    fc.assert(
      fc.property(anyScope, anyScope, (scope, other) => {
        if (isScopeWithin(scope, other)) expect(letIn([other])).toEqual(expect.arrayContaining(letIn([scope])))
      }),
    )
    expect(isScopeWithin({ users: ['ann'], projects: ['bob'] }, { users: ['ann', 'eve'] })).toBe(true)
    expect(isScopeWithin({}, { users: ['ann'] })).toBe(false)
    expect(isScopeWithin({ users: ['ann'] }, {})).toBe(true)
  })

  test.each<[Scope[], string | undefined]>([
    [[], 'user'],
    [[...EVERYTHING], undefined],
    [[{ users: ['bob', 'ann'] }, { hosts: [] }], undefined],
    [[{ users: ['ann'], projects: ['toys'] }], 'project'],
    [[{ hosts: ['tower'] }, { hosts: [] }], 'host'],
    // each is admitted by one of them, and no one admits all
    [
      [
        { users: ['ann'], hosts: ['tower'] },
        { users: ['bob'], hosts: ['laptop'] },
      ],
      'user',
    ],
  ])('%j tell by which field a record is outside of them: %s', (scopes, field) => {
    expect(outsideOf(scopes)({ user: 'ann', project: 'shop', host: 'laptop' })).toBe(field)
  })
})
