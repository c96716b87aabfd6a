import { LIMITS } from '../../src/domain/limits.ts'
import { createWorkBytes, type WorkBytes } from '../../src/http/work-bytes.ts'

/** Room for work where answers have been quick for a while, so that there is as much of it as there can be. */
export function quickWork(now?: () => number): WorkBytes {
  const work = createWorkBytes(now)
  for (let n = 0; n < 200; n++) work.take('ann', LIMITS.workBytes.value / 16)?.()
  return work
}
