// The analysis in a thread of its own: long sums and long reads never hold up the server's event loop.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openAnalysis } from '../analysis.ts'
import { createAnalysisService } from '../service/analysis-service.ts'
import { type FromThread, sent, type ThreadOptions, type ToThread } from './messages.ts'

const port = parentPort as MessagePort
const { rescanIntervalMs, ...options } = workerData as ThreadOptions
const post = (message: FromThread): void => port.postMessage(message)

const service = createAnalysisService(
  { open: (how) => openAnalysis({ ...options, ...how }), rescanIntervalMs },
  {
    onStatus: (status) => post({ kind: 'status', status }),
    onBug: (error) => post({ kind: 'bug', error: sent(error) }),
    onEnd(error) {
      // whoever started the thread hears of an error that nobody catches
      setImmediate(() => {
        throw error
      })
    },
  },
)

async function close(): Promise<void> {
  await service.close()
  post({ kind: 'closed' })
  port.close()
}

port.on('message', (message: ToThread) => {
  if (message.kind === 'call') {
    const { id, name, asked, caller } = message
    return void service.call(name, asked, caller).then(
      (answer) => post({ kind: 'answered', id, answer }),
      (error: Error) => post({ kind: 'failed', id, error: sent(error) }),
    )
  }
  if (message.kind === 'journaled') return service.addJournaled(message.ranges)
  if (message.kind === 'changed') return service.changed()
  if (message.kind === 'begin') return service.begin(message.maySample)
  void close()
})
