// What says that access was taken away: by mutation, by the journal, and as other instances have told it in the database.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKnownTokens } from '../../../src/access/known-tokens.ts'
import type { AccessChange, AccessRevoked, MachineTokenMade } from '../../../src/domain/access-change.ts'
import { createSharedState } from '../../../src/shipping/shared-state.ts'
import { misshape, ODD_TEXTS, runs } from '../../support/mutations.ts'
import { startServer } from '../../support/server.ts'
import { makeFolder } from '../../support/transcripts.ts'

const NAMES = ['ann', 'bob', 'eve']
const name = fc.constantFrom(...NAMES)
const LATER = Date.now() + 3_600_000
/** So many milliseconds after a revocation its user's new machine tokens are out, too. */
const MADE_AFTER_MS = 5000

const revocation: fc.Arbitrary<AccessRevoked> = fc.record({
  kind: fc.constant('revocation' as const),
  at: fc.integer({ min: 1, max: 20_000 }),
  by: fc.constant('olga'),
  userId: name,
  made: fc.constantFrom(true, false, undefined),
  reason: fc.constant('left'),
})
const making: fc.Arbitrary<MachineTokenMade> = fc.record({
  kind: fc.constant('machine-token' as const),
  at: fc.integer({ min: 1, max: 20_000 }),
  by: name,
  id: fc.uuid(),
  userId: name,
  roles: fc.constant(['viewer']),
  expiresAt: fc.constant(LATER),
})

/** The rule once more, from its text: the user was revoked since, or, by `made`, whoever made the token. */
const isOut = ({ at, by, userId }: MachineTokenMade, all: readonly AccessRevoked[]): boolean =>
  all.some((one) => one.userId === userId && at <= one.at) ||
  all.some((one) => one.made === true && one.userId === by && at <= one.at + MADE_AFTER_MS)

const isGood = (known: ReturnType<typeof createKnownTokens>, { id, userId, at }: MachineTokenMade): boolean => {
  try {
    known.check({ id, userId, issuedAt: at })
    return true
  } catch {
    return false
  }
}

describe('what is known of tokens', () => {
  test('follows from what was made and revoked, with the tokens that a user had made or without, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(revocation, { maxLength: 6 }),
        fc.array(making, { maxLength: 6 }),
        fc.nat(),
        (all, made, n) => {
          const known = createKnownTokens()
          const changes: AccessChange[] = [...all, ...made]
          const turned = n % (changes.length + 1)
          // some of them twice
          for (const change of [...changes.slice(turned), ...changes.slice(0, turned), ...changes.slice(turned)])
            known.learn(change)
          for (const token of made) expect(isGood(known, token)).toBe(!isOut(token, all))
        },
      ),
      runs(500),
    )
  })

  test('is not shaken by an entry of any shape: what was revoked stays so', () => {
    const entry = { kind: 'revocation', at: 9, by: 'olga', userId: 'bob', made: true, reason: 'left' }
    const token: MachineTokenMade = {
      ...{ kind: 'machine-token', at: 10, by: 'ann', id: 'm-1', userId: 'eve' },
      ...{ roles: ['viewer'], expiresAt: LATER },
    }
    fc.assert(
      fc.property(misshape, (change) => {
        const known = createKnownTokens()
        known.learn(token)
        expect(isGood(known, token)).toBe(true)
        known.learn({ kind: 'revocation', at: 11, by: 'olga', userId: 'ann', made: true, reason: 'left' })
        const odd = change(entry)
        // as the journal hands it on
        if (typeof odd === 'object' && odd !== null && 'kind' in odd) known.learn(odd as AccessChange)
        expect(isGood(known, token)).toBe(false)
        known.machineTokens()
      }),
      runs(500),
    )
  })
})

test('what is told in the database is learned as what it should be, or told as unreadable', async () => {
  const entry = { kind: 'revocation', at: 9, by: 'olga', userId: 'bob', made: true, reason: 'left' }
  let learned = 0
  await fc.assert(
    fc.asyncProperty(misshape, async (change) => {
      const text = JSON.stringify(change(entry)) ?? ''
      const heard: string[] = []
      const state = createSharedState({
        learn(one) {
          learned++
          heard.push(one.kind)
          if (one.kind !== 'revocation') return
          expect(['boolean', 'undefined']).toContain(typeof one.made)
          expect(Number.isInteger(one.at) && one.at >= 0).toBe(true)
        },
        onUnreadable: (id) => heard.push(id),
        whenRead: async () => undefined,
        isAlone: true,
      })
      const stop = state.join({ since: async () => [{ id: 'x', told: 1, entry: text }], add: async () => undefined })
      await stop()
      expect(heard).toHaveLength(1)
    }),
    runs(200),
  )
  expect(learned).toBeGreaterThan(0)
})

const REVOKE = `mutation ($userId: ID, $tokenId: ID, $made: Boolean, $reason: String!) {
  revokeAccess(userId: $userId, tokenId: $tokenId, made: $made, reason: $reason)
}`

test('a mutation of any shape revokes what it names, or is refused as GraphQL does', async () => {
  const server = await startServer(makeFolder(), { RATE_COST_PER_MINUTE: '0' })
  const odd = fc.oneof(
    fc.constantFrom<unknown>(...ODD_TEXTS, null, true, 1, [], {}, ['bob']),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const usually = (value: unknown) =>
    fc.oneof({ weight: 2, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: odd })
  const variables = fc.record(
    {
      userId: usually('bob'),
      tokenId: usually('t-1'),
      made: usually(true),
      reason: usually('left'),
    },
    { requiredKeys: [] },
  )
  let revoked = 0
  await fc.assert(
    fc.asyncProperty(variables, async (asked) => {
      const { data, errors } = await server.ask(REVOKE, asked, ['operator'], { user: 'olga' })
      for (const { extensions } of errors ?? [])
        expect(['BAD_USER_INPUT', 'INVALID_ARGUMENT', 'BAD_REQUEST']).toContain(extensions.code)
      if (errors !== undefined) return
      revoked++
      expect(data.revokeAccess).toBe(true)
      // one of the two, and `made` of a user alone
      expect([asked.userId, asked.tokenId].filter((one) => one !== undefined && one !== null)).toHaveLength(1)
      if (asked.made === true) expect(asked.userId).toBeDefined()
    }),
    runs(150),
  )
  expect(revoked).toBeGreaterThan(0)
})
