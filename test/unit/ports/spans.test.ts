import { expect, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import { inSpan, inTrace, outsideSpans, runIn, type Span, type Tracer } from '../../../src/ports/spans.ts'
import { createTurns } from '../../../src/turns/in-turn.ts'

/** A span that notes what becomes of it and of its parts. */
function noted(name: string, lines: string[], isOver = () => false): Span {
  return {
    place: { traceId: name, spanId: name },
    child: (part) => noted(`${name} > ${part}`, lines, isOver),
    tell: (facts) => void lines.push(`${name}: ${JSON.stringify(facts)}`),
    end: (error) => void lines.push(error === undefined ? name : `${name} failed: ${error}`),
    isOver,
  }
}

const journal = (work: () => Promise<unknown> = async () => undefined) => inSpan('journal', {}, work)

test('work is a span where it is a part of one, through what is awaited', async () => {
  const lines: string[] = []
  await journal()
  expect(lines).toEqual([])
  await runIn(noted('a', lines), async () => {
    await new Promise(setImmediate)
    await journal(() => inSpan('publish', {}, async (tell) => tell({ kind: 'retire' })))
  })
  expect(lines).toEqual(['a > journal > publish: {"kind":"retire"}', 'a > journal > publish', 'a > journal'])
})

test('what goes on after its trace is over, or is begun outside of it, is no part of it', async () => {
  const lines: string[] = []
  let isOver = false
  await runIn(
    noted('a', lines, () => isOver),
    async () => {
      await outsideSpans(journal)
      isOver = true
      await journal()
    },
  )
  expect(lines).toEqual([])
})

test('work that waits for its turn is a part of what asked for it', async () => {
  const lines: string[] = []
  const inTurn = createTurns({ atOnce: 1 })
  const askAs = (name: string) => runIn(noted(name, lines), () => inTurn('ann', () => journal()))
  await Promise.all([askAs('a'), askAs('b'), inTurn('ann', () => journal()), askAs('c')])
  expect(lines).toEqual(['a > journal', 'b > journal', 'c > journal'])
})

test('a failure is told by its code, and never by its message', async () => {
  const lines: string[] = []
  const failing = (error: Error) =>
    runIn(noted('a', lines), () => journal(() => Promise.reject(error))).catch((thrown) => expect(thrown).toBe(error))
  await failing(new BridgeError('OVERLOADED', 'too many of shop'))
  await failing(Object.assign(new Error('SELECT shop'), { code: 159 }))
  await failing(Object.assign(new Error('shop'), { code: 'shop' }))
  expect(lines).toEqual(['OVERLOADED', '159', 'INTERNAL_SERVER_ERROR'].map((code) => `a > journal failed: ${code}`))
})

test('a trace of its own is no part of what it is begun in, recorded or not', async () => {
  const lines: string[] = []
  const tracer: Tracer = { begin: (name) => noted(name, lines) }
  await runIn(noted('a', lines), async () => {
    await inTrace(tracer, 'ship', {}, () => journal())
    await inTrace({ begin: () => undefined }, 'ship', {}, () => journal())
  })
  expect(lines).toEqual(['ship > journal', 'ship'])
})
