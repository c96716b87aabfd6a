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
  /** Runs a job between two pieces of the work; throws at once where the work fails, or the loop is closed. */
  exclusive<T>(job: () => Promise<T>): Promise<T>
  /** Why the work failed last; `undefined` while it goes on. */
  problem(): string | undefined
  isClosed(): boolean
  /** Settles when the piece that is being done is. */
  close(): Promise<void>
}

const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000

export function createWorkLoop(work: Work): WorkLoop {
  const jobs = createJobs()
  let running: Promise<void> | undefined
  let again = false
  let closed = false
  let problem: string | undefined
  let failures = 0
  let retry: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    try {
      do {
        again = false
        await work.settle()
        if ((await jobs.run()) || (await work.step())) again = true
        else await work.idle()
        failures = 0
        problem = undefined
      } while (again && !closed)
    } catch (error) {
      if (!closed) failed(error as Error)
    }
    // in the same turn as the last look for more: the next kick begins a run of its own
    running = undefined
  }
  const failed = (error: Error): void => {
    problem = error.message
    work.failed(error)
    jobs.fail(error)
    retry = setTimeout(tryAgain, backOff(failures++))
  }
  const tryAgain = (): void => {
    clearTimeout(retry)
    retry = undefined
    kick()
  }
  const kick = (): void => {
    again = true
    // after a failure the next try has its time, however much is waiting
    if (closed || running !== undefined || retry !== undefined) return
    running = Promise.resolve().then(run)
  }

  return {
    kick,
    exclusive(job) {
      if (closed) return Promise.reject(work.closing())
      const done = jobs.add(job)
      // somebody waits: not for the end of a back-off
      tryAgain()
      return done
    },
    problem: () => problem,
    isClosed: () => closed,
    async close() {
      closed = true
      clearTimeout(retry)
      await running
      jobs.fail(work.closing())
    },
  }
}

/** Milliseconds to wait: twice as long each time, and not at the same moment as others. */
const backOff = (failures: number): number =>
  Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures) * (0.5 + Math.random() / 2)

/** Jobs that wait for their turn. */
function createJobs() {
  const waiting: { run: () => Promise<void>; fail: (error: Error) => void }[] = []
  return {
    add: <T>(job: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ run: () => job().then(resolve, reject), fail: reject })
      }),
    /** Returns whether there was one. */
    async run(): Promise<boolean> {
      const due = waiting.splice(0)
      for (const job of due) await job.run()
      return due.length > 0
    },
    fail(error: Error): void {
      for (const job of waiting.splice(0)) job.fail(error)
    },
  }
}
