import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalSign, JournalTable } from '../../src/ports/journal-table.ts'
import { createOtherJournals, type OtherJournals } from '../../src/shipping/other-journals.ts'

export interface WorldReport {
  questions: number
  /** Answers that lacked what was acknowledged before the question, and did not say so. */
  wrong: string[]
  /** Answers that lacked something and said so, that were whole and said nothing, and that said too much. */
  said: { lacking: number; whole: number; tooMuch: number }
  acknowledged: number
}

/** One start of an instance. */
interface Life {
  others: OtherJournals
  isOver: boolean
  /** From when it has joined. */
  stop: (() => Promise<void>) | undefined
}

/** The database, and the way to it. */
interface Scene {
  /** From 0 to 1. */
  random: () => number
  rows: Map<string, JournalSign>
  /** Records that are published, by instance. */
  published: Map<string, number>
}

const some = (scene: Scene, ms: number) => sleep(scene.random() * ms)
/** The clock of the database is nobody else's. */
const databaseTime = (): number => Date.now() + 3_600_000

/** An instance with a journal of its own, and a way to the database that is slow, and now and then cut. */
class Instance {
  readonly name: string
  readonly #scene: Scene
  /** Records in its journal, and those that were acknowledged to somebody. */
  #written = 0
  acknowledged = 0
  /** What it knows of `published`. */
  known = new Map<string, number>()
  isCut = false
  life: Life | undefined

  constructor(name: string, scene: Scene) {
    this.name = name
    this.#scene = scene
    // who is there for the first time is not known to those who cannot reach the database
    scene.rows.set(name, { journal: `journal of ${name}`, instance: name, beat: 1, pending: false, ended: true })
  }

  /** What a statement takes; one that is given up may still come there, much later. */
  async #carried<T>(statement: () => T): Promise<T> {
    const scene = this.#scene
    await some(scene, scene.random() < 0.1 ? 300 : 8)
    if (!this.isCut) {
      const result = statement()
      await some(scene, 8)
      return result
    }
    if (scene.random() < 0.5) void some(scene, 4000).then(statement)
    throw new Error('cut')
  }

  #table(life: Life): JournalTable {
    const { rows } = this.#scene
    return {
      look: () => this.#carried(() => ({ now: databaseTime(), signs: [...rows.values()] })),
      tell: async (sign) => {
        if (life.isOver) throw new Error('killed')
        await this.#carried(() => {
          if ((rows.get(sign.instance)?.beat ?? 0) < sign.beat) rows.set(sign.instance, sign)
        })
      },
    }
  }

  publish(): void {
    this.#scene.published.set(this.name, this.#written)
  }

  learn(): void {
    this.known = new Map(this.#scene.published)
  }

  async begin(): Promise<void> {
    const others = createOtherJournals({
      own: { journal: `journal of ${this.name}`, instance: this.name },
      canRead: () => true,
      isPublished: (ledger) => ledger && (this.known.get(this.name) ?? 0) >= this.#written,
      remembered: { get: () => false, set: () => undefined },
      onLook: () => undefined,
    })
    const life: Life = { others, isOver: false, stop: undefined }
    this.life = life
    while (life.stop === undefined) {
      life.stop = await others.join(this.#table(life)).catch(() => undefined)
      if (this.#scene.random() < 0.2) this.isCut = false
    }
    await some(this.#scene, 200)
    const whenCurrent = () => this.#carried(() => this.learn())
    others.follow({ ledger: () => ({ state: () => undefined }), whenCurrent })
  }

  async end(isKilled: boolean): Promise<void> {
    const { life } = this
    this.life = undefined
    if (life === undefined) return
    if (isKilled) life.isOver = true
    else life.others.end()
    await life.stop?.()
    life.isOver = true
  }

  async acknowledge(): Promise<void> {
    const { life } = this
    if (life?.stop === undefined) return
    let at = 0
    await life.others.telling(async () => {
      await some(this.#scene, 5)
      // a process that was killed acknowledges nothing more
      if (!life.isOver) at = ++this.#written
    })
    if (this.life === life && !life.isOver) this.acknowledged = Math.max(at, this.acknowledged)
  }

  /** Lets happen to it what may, until it is over. */
  async live(isOver: () => boolean): Promise<void> {
    const { random } = this.#scene
    // often all at once
    await some(this.#scene, random() < 0.5 ? 20 : 1500)
    while (!isOver()) {
      const what = random()
      if (this.life === undefined) await this.begin()
      else if (what < 0.006) this.isCut = !this.isCut
      else if (what < 0.01) await this.end(random() < 0.3)
      else if (what < 0.11) await this.acknowledge()
      else if (what < 0.5) this.publish()
      else if (!this.isCut) this.learn()
      await some(this.#scene, random() < 0.02 ? 3000 : 20)
    }
    this.isCut = false
    await this.end(false)
  }
}

/** Puts a question to one of them, and notes what came of it. */
async function ask(of: Instance, all: readonly Instance[], report: WorldReport): Promise<void> {
  const { life } = of
  if (life?.stop === undefined) return
  const before = all.map(({ name, acknowledged }) => ({ name, acknowledged }))
  await life.others.whenCurrent()
  const says = life.others.mayLack()
  const lacks = before.filter(({ name, acknowledged }) => name !== of.name && (of.known.get(name) ?? 0) < acknowledged)
  report.questions++
  if (lacks.length > 0 && !says) report.wrong.push(`${of.name} lacks something of ${lacks.map(({ name }) => name)}`)
  if (says) report.said[lacks.length > 0 ? 'lacking' : 'tooMuch']++
  else report.said.whole++
}

/**
 * Lets some instances, around one database, begin, acknowledge, publish, lose the database, end, be killed and begin
 * again, while they are asked, so many times in all. `random` gives numbers from 0 to 1.
 */
export async function runJournalWorld(
  instances: number,
  questions: number,
  random: () => number,
): Promise<WorldReport> {
  const scene: Scene = { random, rows: new Map(), published: new Map() }
  const all = Array.from({ length: instances }, (_, i) => new Instance(`instance ${i}`, scene))
  const report: WorldReport = { questions: 0, wrong: [], said: { lacking: 0, whole: 0, tooMuch: 0 }, acknowledged: 0 }
  const isOver = (): boolean => report.questions >= questions
  const asking = async (of: Instance): Promise<void> => {
    while (!isOver()) {
      await ask(of, all, report)
      await some(scene, 20)
    }
  }
  await Promise.all(all.flatMap((of) => [of.live(isOver), asking(of)]))
  report.acknowledged = all.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  return report
}
