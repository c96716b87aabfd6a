import { describe, expect, test } from 'vitest'
import { identityDigest } from '../../../src/domain/identity.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { PlacedCopy } from '../../../src/domain/token-record.ts'
import { askWithCopiesBeyond } from '../../../src/reading/with-copies-beyond.ts'

const REQUEST = { queries: [], access: EVERYTHING, quality: false }
const idOf = (name: string): string => identityDigest(name)
const bytesOf = (names: readonly string[]): Uint8Array => Buffer.from(names.map(idOf).join(''), 'hex')

function copy(name: string, log: string): PlacedCopy {
  const counts = { input: 1, output: 0, cacheRead: 0, cacheCreation5m: 0, cacheCreation1h: 0 }
  const origin = { project: 'p', user: 'ann', host: 'laptop', path: 'a.jsonl', session: 's', model: 'm', branch: '' }
  const place = { time: 0, sidechain: false, byMutation: false, stamp: 0, position: 0, offset: 0 }
  return { ...counts, ...origin, ...place, identity: idOf(name), log }
}

interface Look {
  /** Names of identities that are not all published. */
  unpublished: string[]
  /** Logs beyond this disk. */
  beyond: string[]
}

/** Files that are so at each look (then as at the last), and a database with these copies. */
function scene(looks: Look[], copies: PlacedCopy[]) {
  const asked: { logs: readonly string[]; identities: string[] }[] = []
  const given: string[][] = []
  let look: Look = { unpublished: [], beyond: [] }
  let logLooks = 0
  const answer = askWithCopiesBeyond(
    {
      files: {
        async answerUnpublished({ beyond }) {
          look = looks[given.length] ?? look
          given.push(beyond.map(({ identity, log }) => `${identity} ${log}`))
          const lacking = look.beyond.map((key) => ({ key, edition: 0 }))
          const identities = bytesOf(look.unpublished)
          return { answers: [], quality: undefined, asOf: 0, watermark: '', sample: false, identities, lacking }
        },
      },
      published: {
        async copiesIn(logs, identities) {
          const hex = Buffer.from(identities).toString('hex')
          const some: string[] = hex.match(/.{32}/g) ?? []
          asked.push({ logs, identities: some })
          return copies.filter(({ identity, log }) => some.includes(identity) && logs.includes(log))
        },
      },
      async logsBeyond(lacking) {
        logLooks++
        return lacking.map(({ key }) => key)
      },
    },
    REQUEST,
    'ann',
    (run) => run(),
  )
  return { answer, asked, given, logLooks: () => logLooks }
}

describe('asking the files with copies beyond this disk', () => {
  test('asks ClickHouse nothing where everything is published, or no log is beyond', async () => {
    const published = scene([{ unpublished: [], beyond: ['a'] }], [])
    await published.answer
    expect([published.asked, published.logLooks()]).toEqual([[], 0])
    const whole = scene([{ unpublished: ['x'], beyond: [] }], [])
    await whole.answer
    expect(whole.asked).toEqual([])
  })

  test('asks the files once where there are no such copies, and twice where there are', async () => {
    const none = scene([{ unpublished: ['x'], beyond: ['a'] }], [copy('y', 'a'), copy('x', 'b')])
    await none.answer
    expect(none.given).toEqual([[]])
    const some = scene([{ unpublished: ['x', 'y'], beyond: ['a'] }], [copy('x', 'a')])
    await some.answer
    expect(some.given).toEqual([[], [`${idOf('x')} a`]])
    expect(some.asked.map(({ identities }) => identities)).toEqual([[idOf('x'), idOf('y')], []])
  })

  test('asks for what came to disk meanwhile alone, and for everything where a log was lost meanwhile', async () => {
    const looks = [
      { unpublished: ['x', 'y'], beyond: ['a'] },
      { unpublished: ['x', 'y', 'z'], beyond: ['a'] },
      { unpublished: ['x', 'y', 'z'], beyond: ['a', 'b'] },
    ]
    const { answer, asked, given } = scene(looks, [copy('x', 'a'), copy('z', 'a'), copy('y', 'b')])
    expect((await answer).identities).toEqual(bytesOf(['x', 'y', 'z']))
    expect(asked).toEqual([
      { logs: ['a'], identities: ['x', 'y'].map(idOf) },
      { logs: ['a'], identities: ['z'].map(idOf) },
      { logs: ['a', 'b'], identities: ['x', 'y', 'z'].map(idOf) },
      { logs: ['a', 'b'], identities: [] },
    ])
    expect(given.at(-1)).toEqual([`${idOf('x')} a`, `${idOf('z')} a`, `${idOf('y')} b`])
  })

  test('is refused where more and more of them turn up', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `msg-${i}`)
    const looks = names.map((_, i) => ({ unpublished: names.slice(0, i + 1), beyond: ['a'] }))
    const { answer, given } = scene(
      looks,
      names.map((name) => copy(name, 'a')),
    )
    await expect(answer).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    expect(given).toHaveLength(5)
  })
})
