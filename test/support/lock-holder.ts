// Takes the lock of the path that is its argument, says so, and holds it until it is ended: a process or a thread.
import { parentPort } from 'node:worker_threads'
import { takeLock } from '../../src/process-lock.ts'

const unlock = takeLock(process.argv[2] as string)
const said = { pid: process.pid, held: unlock !== undefined }
if (parentPort === null) {
  process.stdout.write(`${JSON.stringify(said)}\n`)
  if (said.held) process.stdin.resume()
} else {
  parentPort.on('message', (how) => {
    if (how === 'throw') throw new Error('planted')
    process.exit(3)
  })
  parentPort.postMessage(said)
}
