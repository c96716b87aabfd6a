// A process whose heap grows and is empty again; it prints by how much it grew, and that it is small again once it is.
// With the argument `busy` it has always something to do.
import { giveBackSpareMemory } from '../../src/observability/spare-memory.ts'

const KEPT_OBJECTS = 3_000_000

const before = process.memoryUsage().heapTotal
giveBackSpareMemory({ lookMs: 20 })
const peak = grow()
if (process.argv.includes('busy')) work()
process.stdout.write(`grown by ${peak - before}\n`)
setInterval(() => {
  const { heapTotal } = process.memoryUsage()
  if (heapTotal > before + (peak - before) / 4) return
  process.stdout.write(`small again\n`)
  process.exit()
}, 10)

function work(): void {
  const until = performance.now() + 5
  while (performance.now() < until);
  setImmediate(work)
}

function grow(): number {
  const kept: object[] = []
  for (let i = 0; i < KEPT_OBJECTS; i++) kept.push({ i, half: i + 0.5, list: [i] })
  return process.memoryUsage().heapTotal + (kept.length - KEPT_OBJECTS)
}
