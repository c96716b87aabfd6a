// Hashes files in a thread of its own, so that a long history holds up nobody.
import { parentPort, workerData } from 'node:worker_threads'
import { contentHash, type HashedRange } from './file-content.ts'

const hashes: string[] = []
for (const { path, to } of workerData as HashedRange[]) hashes.push(await contentHash(path, to))
parentPort?.postMessage(hashes)
