import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalSign, JournalTable } from '../../src/ports/journal-table.ts'
import { createOtherJournals, type OtherJournals } from '../../src/shipping/other-journals.ts'

/** Some instances, each with a journal of its own, around a database that is slow, and now and then away. */
export interface JournalWorld {
  /** Lets the instances begin, acknowledge, publish, lose the database, end and begin again, and ask, so many times. */
  run(questions: number): Promise<WorldReport>
}

export interface WorldReport {
  questions: number
  /** Answers that lacked what was acknowledged before the question, and did not say so. */
  wrong: string[]
  /** Answers that lacked something and said so, that were whole and said nothing, and that said too much. */
  said: { lacking: number; whole: number; tooMuch: number }
  acknowledged: number
}

interface Instance {
  name: string
  /** Records that were acknowledged, and those that this instance knows to be published, by journal. */
  acknowledged: number
  known: Map<string, number>
  isCut: boolean
  life: Life | undefined
}

interface Life {
  others: OtherJournals
  isOver: boolean
  stop: (() => Promise<void>) | undefined
}

/** `random` gives numbers from 0 to 1. */
export function createJournalWorld(count: number, random: () => number): JournalWorld {
  const rows = new Map<string, JournalSign>()
  const published = new Map<string, number>()
  const report: WorldReport = { questions: 0, wrong: [], said: { lacking: 0, whole: 0, tooMuch: 0 }, acknowledged: 0 }
  const between = (from: number, to: number): number => from + random() * (to - from)
  const some = (ms: number) => sleep(between(0, ms))
  // the clock of the database is nobody else's
  const databaseTime = (): number => Date.now() + 3_600_000

  /** What a statement takes; one that is given up may still come there, much later. */
  const carried = async <T>(of: Instance, statement: () => T): Promise<T> => {
    await some(random() < 0.1 ? 300 : 8)
    if (!of.isCut) {
      const result = statement()
      await some(8)
      return result
    }
    if (random() < 0.5) void sleep(between(0, 4000)).then(statement)
    throw new Error('cut')
  }
  const tableOf = (of: Instance, life: Life): JournalTable => ({
    look: () => carried(of, () => ({ now: databaseTime(), signs: [...rows.values()] })),
    async tell(sign) {
      if (life.isOver) throw new Error('killed')
      await carried(of, () => {
        const key = `${sign.journal} ${sign.instance}`
        if ((rows.get(key)?.beat ?? 0) < sign.beat) rows.set(key, sign)
      })
    },
  })
  const learn = (of: Instance): void => {
    of.known = new Map(published)
  }

  const begin = async (of: Instance): Promise<void> => {
    const others = createOtherJournals({
      own: { journal: `journal of ${of.name}`, instance: of.name },
      canRead: () => true,
      isPublished: (ledger) => ledger && (of.known.get(of.name) ?? 0) >= of.acknowledged,
      remembered: { get: () => false, set: () => undefined },
      onLook: () => undefined,
    })
    const life: Life = { others, isOver: false, stop: undefined }
    of.life = life
    while (!life.isOver && life.stop === undefined) {
      await others.join(tableOf(of, life)).then(
        (stop) => {
          life.stop = stop
        },
        async () => {
          await sleep(100)
          if (random() < 0.2) of.isCut = false
        },
      )
    }
    await some(200)
    others.follow({ ledger: () => ({ state: () => undefined }), whenCurrent: () => carried(of, () => learn(of)) })
  }
  const end = async (of: Instance, isKilled: boolean): Promise<void> => {
    const { life } = of
    of.life = undefined
    if (life === undefined) return
    if (isKilled) life.isOver = true
    else life.others.end()
    await life.stop?.()
    life.isOver = true
  }
  const acknowledge = async (of: Instance): Promise<void> => {
    const { life } = of
    if (life?.stop === undefined) return
    let at = 0
    await life.others.telling(async () => {
      await some(5)
      // a process that was killed acknowledges nothing more
      if (!life.isOver) at = ++of.acknowledged
    })
    if (life.isOver || of.life !== life) return
    told.set(of.name, Math.max(at, told.get(of.name) ?? 0))
    report.acknowledged++
  }
  /** What was acknowledged to somebody. */
  const told = new Map<string, number>()
  const ask = async (of: Instance): Promise<void> => {
    const { life } = of
    if (life?.stop === undefined) return
    const before = new Map(told)
    await life.others.whenCurrent()
    const says = life.others.mayLack()
    const lacks = [...before].filter(([name, at]) => name !== of.name && (of.known.get(name) ?? 0) < at)
    report.questions++
    if (lacks.length > 0 && !says) report.wrong.push(`${of.name} lacks something of ${lacks.map(([name]) => name)}`)
    if (says) report.said[lacks.length > 0 ? 'lacking' : 'tooMuch']++
    else report.said.whole++
  }

  const instances = Array.from({ length: count }, (_, i): Instance => {
    const name = `instance ${i}`
    // who is there for the first time is not known to those who cannot reach the database
    const sign = { journal: `journal of ${name}`, instance: name, beat: 1, pending: false, ended: true }
    rows.set(`${sign.journal} ${name}`, sign)
    return { name, acknowledged: 0, known: new Map(), isCut: false, life: undefined }
  })
  /** What happens to one, now and then. */
  const live = async (of: Instance, isOver: () => boolean): Promise<void> => {
    await some(1500)
    while (!isOver()) {
      const what = random()
      if (of.life === undefined) await begin(of)
      else if (what < 0.006) of.isCut = !of.isCut
      else if (what < 0.01) await end(of, random() < 0.3)
      else if (what < 0.11) await acknowledge(of)
      else if (what < 0.5) published.set(of.name, of.acknowledged)
      else if (!of.isCut) learn(of)
      await some(random() < 0.02 ? 3000 : 20)
    }
    of.isCut = false
    await end(of, false)
  }
  return {
    async run(questions) {
      const isOver = (): boolean => report.questions >= questions
      const asking = async (of: Instance): Promise<void> => {
        while (!isOver()) {
          await ask(of)
          await some(20)
        }
      }
      await Promise.all(instances.flatMap((of) => [live(of, isOver), asking(of)]))
      return report
    },
  }
}
