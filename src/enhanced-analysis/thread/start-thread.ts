import { Worker } from 'node:worker_threads'
import { prepareFormats } from '../../transcripts/format-of.ts'
import type { AnalysisService, ServiceListeners } from '../service/calls.ts'
import { type FromThread, received, type ThreadOptions, type ToThread } from './messages.ts'

const CLOSE_DEADLINE_MS = 5000
/** For objects that have just come into being: what is kept of the logs lies in arrays outside of it. */
const YOUNG_MB = 24

interface Waiting {
  resolve: (answer: never) => void
  reject: (error: Error) => void
}

/** The analysis as a service in a thread of its own. A thread that dies has ended (`onEnd`). */
export function startAnalysisThread(options: ThreadOptions, listeners: ServiceListeners): AnalysisService {
  // held by this thread, which lives longest
  prepareFormats()
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./analysis-thread.${extension}`, import.meta.url), {
    workerData: options,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  })
  const waiting = new Map<number, Waiting>()
  const closed = Promise.withResolvers<void>()
  let nextId = 0
  let closing = false
  let failure: Error | undefined
  const send = (message: ToThread): void => worker.postMessage(message)

  worker.on('message', (message: FromThread) => {
    if (message.kind === 'status') return listeners.onStatus(message.status)
    if (message.kind === 'bug') return listeners.onBug(received(message.error))
    if (message.kind === 'closed') return closed.resolve()
    const one = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'answered') one?.resolve(message.answer as never)
    else one?.reject(received(message.error))
  })
  worker.on('error', (error: Error) => {
    failure = error
  })
  worker.on('exit', (code) => {
    closed.resolve()
    if (!closing) listeners.onEnd(failure ?? new Error(`the analysis thread ended with code ${code}`))
  })

  return {
    call(name, asked, caller) {
      const id = nextId++
      const { promise, resolve, reject } = Promise.withResolvers<never>()
      waiting.set(id, { resolve, reject })
      send({ kind: 'call', id, caller, name, asked } as ToThread)
      return promise
    },
    addJournaled: (ranges) => send({ kind: 'journaled', ranges }),
    begin: (maySample) => send({ kind: 'begin', maySample }),
    changed: () => send({ kind: 'changed' }),
    async close() {
      closing = true
      send({ kind: 'close' })
      // a thread that hangs loses nothing but the rest of its work: the index is a cache
      const deadline = setTimeout(() => void worker.terminate(), CLOSE_DEADLINE_MS)
      await closed.promise
      clearTimeout(deadline)
    },
  }
}
