import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lockPathOf, takeLock } from '../../src/process-lock.ts'
import { AS_FIRST_PROCESS } from '../support/first-process.ts'
import { makeFolder } from '../support/transcripts.ts'

const HOLDER = new URL('../support/lock-holder.ts', import.meta.url)

const lockOf = (folder: string): string => lockPathOf(join(folder, 'data', 'ledger'))

interface Holder {
  pid: number
  held: boolean
  /** From outside, as the machine or an operator does it. */
  kill(): Promise<void>
}

/** Another process that takes the lock and holds it. */
async function holder(path: string, before: readonly string[] = []): Promise<Holder> {
  const [command = '', ...args] = [...before, process.execPath, fileURLToPath(HOLDER), path]
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  // its output ends when every process that has it is gone
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const kill = (): Promise<void> => {
    child.kill('SIGKILL')
    return ended
  }
  onTestFinished(kill)
  const said = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout as NodeJS.ReadableStream).once('line', resolve)
    child.on('close', () => reject(new Error('the holder said nothing')))
  })
  return { ...(JSON.parse(said) as { pid: number; held: boolean }), kill }
}

/** Takes the lock here, if it can be had, and gives it back. */
function isFree(path: string): boolean {
  const unlock = takeLock(path)
  unlock?.()
  return unlock !== undefined
}

describe('a lock', () => {
  test('has one holder at a time in this process; its file is private, and nothing lies beside it', () => {
    const path = lockOf(makeFolder())
    const unlock = takeLock(path)
    expect(takeLock(path)).toBeUndefined()
    expect(isFree(path)).toBe(false)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    expect(readdirSync(dirname(path))).toHaveLength(1)
    unlock?.()
    expect(isFree(path)).toBe(true)
    // to give back twice takes nothing from the next holder
    const next = takeLock(path)
    unlock?.()
    expect(isFree(path)).toBe(false)
    next?.()
  })

  test('keeps other processes out, also after one was refused, until it is given back', async () => {
    const path = lockOf(makeFolder())
    const unlock = takeLock(path)
    expect(takeLock(path)).toBeUndefined()
    expect(await holder(path)).toMatchObject({ held: false })
    unlock?.()
    expect(await holder(path)).toMatchObject({ held: true })
    expect(isFree(path)).toBe(false)
  })

  test('is given back when its holder is killed, and goes to one with the same number: as in a container', async () => {
    const path = lockOf(makeFolder())
    const first = await holder(path, AS_FIRST_PROCESS)
    expect(first).toMatchObject({ held: true, ...(AS_FIRST_PROCESS.length > 0 ? { pid: 1 } : {}) })
    expect(isFree(path)).toBe(false)
    await first.kill()
    const again = await holder(path, AS_FIRST_PROCESS)
    expect(again).toMatchObject({ held: true, ...(AS_FIRST_PROCESS.length > 0 ? { pid: 1 } : {}) })
    await again.kill()
    expect(isFree(path)).toBe(true)
  })

  test.each(['terminate', 'throw', 'exit'])('is given back by a thread that dies: %s', async (how) => {
    const path = lockOf(makeFolder())
    const worker = new Worker(HOLDER, { argv: [path] })
    worker.on('error', () => undefined)
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    expect(await new Promise((resolve) => worker.once('message', resolve))).toMatchObject({ held: true })
    expect(isFree(path)).toBe(false)
    if (how === 'terminate') await worker.terminate()
    else worker.postMessage(how)
    await ended
    expect(isFree(path)).toBe(true)
  })

  test('goes to exactly one of those that come at the same moment', async () => {
    const path = lockOf(makeFolder())
    const holders = await Promise.all(Array.from({ length: 4 }, () => holder(path)))
    expect(holders.filter(({ held }) => held)).toHaveLength(1)
  })

  test('is not held by what the release before left, whatever number is in it', () => {
    const path = lockOf(makeFolder())
    mkdirSync(dirname(path), { recursive: true })
    for (const left of [String(process.pid), '1', '']) {
      writeFileSync(join(dirname(path), 'ledger.lock'), left)
      expect(isFree(path)).toBe(true)
    }
  })

  test('that was changed is an error that says what to do', () => {
    const path = lockOf(makeFolder())
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '4711')
    expect(() => takeLock(path)).toThrow(
      `${path} is no lock file, its content was changed: make sure that nothing uses it, and remove it`,
    )
  })

  test('that cannot be written is one line that names it', async () => {
    const folder = makeFolder()
    writeFileSync(join(folder, 'file'), '')
    for (const path of [join(folder, 'file', 'x.lockdb'), folder]) {
      expect(() => takeLock(path)).toThrow(
        /^the lock file \S+ cannot be written \([^\n]+\): it must be in a folder[^\n]+$/,
      )
      expect(() => takeLock(path)).toThrow(path)
    }
  })

  test('in a folder that may not be written to is an error, too', async () => {
    const folder = makeFolder()
    chmodSync(folder, 0o555)
    const path = join(folder, 'x.lockdb')
    // root may write everywhere
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const { stderr, status } = spawnSync(process.execPath, [fileURLToPath(HOLDER), path], {
      encoding: 'utf8',
      ...nobody,
    })
    expect(stderr).toContain(`the lock file ${path} cannot be written (unable to open database file)`)
    expect(status).toBe(1)
    chmodSync(folder, 0o755)
  })
})
