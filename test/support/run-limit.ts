import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node'

/** How long the whole suite may take: CI ends what takes longer without a word of what was still running. */
const RUN_MINUTES = 75
/** No test takes as long as this; one whose process hangs is not ended by its own limit. */
const QUIET_MINUTES = 16
/** For tests that are told to end, and for what they clean up. */
const END_MS = 10_000
const TOLD_LETTERS = 300

interface Running {
  since: number
  /** The test of the file that began last, and has not ended. */
  test?: string | undefined
}

/**
 * Ends a run that takes too long or hangs, and names what failed and what was still running. `RUN_MINUTES=0`: no limit.
 */
export class RunLimit implements Reporter {
  private vitest: Vitest | undefined
  private readonly running = new Map<string, Running>()
  private readonly failed: string[] = []
  private endedLast = Date.now()

  onInit(vitest: Vitest): void {
    this.vitest = vitest
  }

  onTestRunStart(): void {
    const minutes = Number(process.env.RUN_MINUTES ?? RUN_MINUTES)
    if (minutes === 0 || this.vitest?.config.watch) return
    const began = Date.now()
    const looking = setInterval(() => {
      const isOver = Date.now() - began > minutes * 60_000
      if (!isOver && Date.now() - this.endedLast < QUIET_MINUTES * 60_000) return
      clearInterval(looking)
      this.end(isOver ? `the tests have run for ${minutes} minutes` : `no test has ended for ${QUIET_MINUTES} minutes`)
    }, 1000)
    looking.unref()
  }

  onTestModuleStart(module: TestModule): void {
    this.running.set(module.moduleId, { since: Date.now() })
  }

  onTestCaseReady(test: TestCase): void {
    this.running.set(test.module.moduleId, { since: Date.now(), test: test.fullName })
  }

  onTestCaseResult(test: TestCase): void {
    this.endedLast = Date.now()
    this.running.set(test.module.moduleId, { since: Date.now() })
    const [error] = test.result().errors ?? []
    if (error === undefined) return
    const text = (error.stack ?? error.message).slice(0, TOLD_LETTERS)
    this.failed.push(`${nameOf(test.module.moduleId)} > ${test.fullName}\n  ${text}`)
  }

  onTestModuleEnd(module: TestModule): void {
    this.endedLast = Date.now()
    this.running.delete(module.moduleId)
  }

  private end(why: string): void {
    const now = Date.now()
    const running = [...this.running].map(([file, { since, test }]) => {
      const seconds = Math.round((now - since) / 1000)
      return `${nameOf(file)} > ${test ?? '(between its tests)'}, for ${seconds} s`
    })
    const lines = [`${why}: they are ended.`, 'Still running:', ...running, 'Failed so far:', ...this.failed]
    process.stderr.write(`${lines.join('\n')}\n`)
    process.exitCode = 1
    void this.vitest?.cancelCurrentRun('test-failure')
    setTimeout(() => process.exit(1), END_MS).unref()
  }
}

const nameOf = (file: string): string => relative(process.cwd(), file)
