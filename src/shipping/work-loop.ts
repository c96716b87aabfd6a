import { createBackOff } from '../policies/guard.ts'
import { BETWEEN_PUBLICATIONS } from '../policies/policies.ts'
import { outsideSpans } from '../ports/spans.ts'

/** What is done again and again, one thing after the other. */
export interface Work {
  /** Settles what was left halfway: before anything else. */
  settle(): Promise<void>
  /** Does the next piece; returns whether there was one. */
  step(): Promise<boolean>
  /** There is nothing left to do. */
  idle(): Promise<void>
  /** It is tried again by itself. */
  failed(error: Error): void
  /** What jobs are told that come when it is closed. */
  closing(): Error
}

/** Works while there is something to do, and after a failure again, later each time. */
export interface WorkLoop {
  /** There may be something to do. */
  kick(): void
  /** What made it fail is over, as far as anybody knows: it does not wait any longer. */
  tryNow(): void
  /** Runs a job between two pieces of the work; throws at once where the work fails, or the loop is closed. */
  exclusive<T>(job: () => Promise<T>): Promise<T>
  /** Why the work failed last; `undefined` while it goes on. */
  problem(): string | undefined
  /** Settles when the piece that is being done is. */
  close(): Promise<void>
}

const BACK_OFF = createBackOff(BETWEEN_PUBLICATIONS)

export function createWorkLoop(work: Work): WorkLoop {
  const jobs = createJobs()
  const retry = createRetry(() => kick())
  let running: Promise<void> | undefined
  let again = false
  let closed = false

  const run = async (): Promise<void> => {
    try {
      do {
        again = false
        await work.settle()
        if ((await jobs.run()) || (await work.step())) again = true
        else await work.idle()
        retry.succeeded()
      } while (again && !closed)
    } catch (error) {
      if (!closed) failed(error as Error)
    }
    // nobody can kick between the last look at `again` and this: the next kick begins a run of its own
    running = undefined
  }
  const failed = (error: Error): void => {
    retry.failed(error)
    work.failed(error)
    jobs.fail(error)
  }
  const kick = (): void => {
    again = true
    // while a retry is scheduled, kicks do not bring it forward
    if (!closed && !retry.isWaiting()) running ??= outsideSpans(() => Promise.resolve().then(run))
  }
  const tryNow = (): void => {
    retry.stop()
    kick()
  }

  return {
    kick,
    tryNow,
    exclusive(job) {
      if (closed) return Promise.reject(work.closing())
      // somebody waits for this job
      tryNow()
      return jobs.add(job)
    },
    problem: retry.problem,
    async close() {
      closed = true
      retry.stop()
      await running
      jobs.fail(work.closing())
    },
  }
}

/** Tries again later, each time. */
function createRetry(tryAgain: () => void) {
  let backOff: ReturnType<typeof BACK_OFF.next> | undefined
  let problem: string | undefined
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  return {
    failed(error: Error): void {
      problem = error.message
      backOff = backOff?.next(undefined) ?? BACK_OFF.next()
      timer = setTimeout(() => {
        stop()
        tryAgain()
      }, backOff.duration)
    },
    succeeded(): void {
      backOff = undefined
      problem = undefined
    },
    problem: () => problem,
    isWaiting: () => timer !== undefined,
    stop,
  }
}

/** Jobs that wait for their turn. */
function createJobs() {
  const waiting: { run: () => Promise<void>; fail: (error: Error) => void }[] = []
  return {
    add: <T>(job: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ run: () => job().then(resolve, reject), fail: reject })
      }),
    /** Runs the next one; returns whether there was one. */
    async run(): Promise<boolean> {
      // one alone: what it leaves halfway is settled before the next one
      const due = waiting.shift()
      await due?.run()
      return due !== undefined
    },
    fail(error: Error): void {
      for (const job of waiting.splice(0)) job.fail(error)
    },
  }
}
