import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A disk of its own (tmpfs), which tests fill. */
export interface SmallDisk {
  folder: string
  /** Takes its room, so that so much of it is taken by this alone, 0 to 1; of what is left where there is less. */
  fill(share: number): void
  free(): void
  /** Of all of it, 0 to 1. */
  taken(): number
  remove(): void
}

/** `undefined` where it may not be mounted: that takes root, and a system that lets it. */
export function mountSmallDisk(folder: string, megabytes: number): SmallDisk | undefined {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const filling = join(folder, 'other')
  const room = () => {
    const { bsize, blocks, bavail } = statfsSync(folder)
    return { all: bsize * blocks, left: bsize * bavail }
  }
  return {
    folder,
    fill(share) {
      rmSync(filling, { force: true })
      const { all, left } = room()
      try {
        writeFileSync(filling, Buffer.alloc(Math.min(left, Math.floor(all * share))))
      } catch {
        // somebody else took the last of it
      }
    },
    free: () => rmSync(filling, { force: true }),
    taken() {
      const { all, left } = room()
      return (all - left) / all
    },
    remove() {
      execFileSync('umount', ['-l', folder], { stdio: 'ignore' })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Where a small disk may be mounted. */
export const smallDiskFolder = (): string =>
  join(process.env.TMPDIR ?? '/tmp', `token-bridge-disk-${process.pid}-${Math.random()}`)

export function maySmallDisksBeMounted(): boolean {
  const disk = mountSmallDisk(smallDiskFolder(), 1)
  disk?.remove()
  return disk !== undefined
}
