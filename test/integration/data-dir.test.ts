import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findListening, findServer, takeServerPlace } from '../../src/server-file.ts'
import { run } from '../support/cli.ts'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

describe('a folder that is a file', () => {
  test('is told at the start, with the setting and the path', async () => {
    const folder = makeFolder()
    const file = join(folder, 'taken')
    writeFileSync(file, 'a file')
    for (const setting of ['DATA_DIR', 'JOURNAL_DIR', 'BACKUP_DIR'])
      for (const [path, problem] of [
        [file, 'is a file'],
        [join(file, 'a', 'b'), `cannot be made: ${file} is a file`],
      ] as const)
        await expect(startServer(folder, { [setting]: path })).rejects.toThrow(
          `${setting} must be a folder, but ${path} ${problem}: move it away, or set another folder`,
        )
    const { code, stderr } = await run(['token', '--user', 'ann', '--roles', 'viewer'], folder, { DATA_DIR: file })
    expect([code, stderr]).toEqual([
      1,
      `token-bridge: DATA_DIR must be a folder, but ${file} is a file: move it away, or set another folder\n`,
    ])
  })
})

describe('a port', () => {
  test('that is taken, or a host that is none, is told with the setting and what helps', async () => {
    const first = await startServer(makeFolder())
    const { port } = new URL(first.url)
    await expect(startServer(makeFolder(), { PORT: port })).rejects.toThrow(
      `PORT ${port} of HOST 127.0.0.1 is in use by another program: stop it, or set PORT to another one (0 takes a free one)`,
    )
    await expect(
      startServer(makeFolder(), { HOST: '192.0.2.1', PRIVATE_HOSTS: '192.0.2.1', AUTH_JWT_SECRET: 'x'.repeat(32) }),
    ).rejects.toThrow('HOST 192.0.2.1 is no address of this machine')
  })
})

describe('a data folder', () => {
  test('has one server: the second is told which, and takes nothing from the first', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const data = join(folder, 'data')
    const first = await startServer(folder)
    await expect(startServer(folder)).rejects.toThrow(
      `DATA_DIR ${data} is in use by process ${process.pid}, which listens at ${first.url}: stop that server, or set DATA_DIR to a folder of its own`,
    )
    expect(findServer(data)?.url).toBe(first.url)
    expect((await first.ask('{ tokenMetrics { recordCount } }')).data.tokenMetrics.recordCount).toBe('1')
    await first.close()
    expect(findServer(data)?.url).toBeUndefined()
    const next = await startServer(folder)
    expect(findServer(data)?.url).toBe(next.url)
  })

  test('has one server also where the lock file was removed under it, and is free after it', async () => {
    const folder = makeFolder()
    const data = join(folder, 'data')
    for (const lock of ['server.lockdb', '.server.lockdb']) {
      const first = await startServer(folder)
      rmSync(join(data, lock))
      await expect(startServer(folder)).rejects.toThrow(
        `DATA_DIR ${data} is in use by process ${process.pid}, which listens at ${first.url}`,
      )
      expect(findServer(data)?.url).toBe(first.url)
      await first.close()
    }
    await startServer(folder)
  })

  test.runIf(existsSync('/proc/self'))('that cannot be made ends the start at once, by its setting', async () => {
    await expect(startServer(makeFolder(), { DATA_DIR: '/proc/nowhere' })).rejects.toThrow(
      'DATA_DIR /proc/nowhere cannot be made or written to (ENOENT): set another folder',
    )
  })

  test.runIf(existsSync('/proc/self'))('that cannot be made is told by commands that need no server', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    const settings = { DATA_DIR: '/proc/nowhere', TRANSCRIPTS_DIR: folder }
    const [token, counted] = await Promise.all([
      run(['token', '--user', 'ann', '--roles', 'viewer'], folder, settings),
      run(['analyze', '--by', 'month', '--format', 'csv'], folder, settings),
    ])
    expect([token.code, token.stdout]).toEqual([1, ''])
    expect(token.stderr).toContain('DATA_DIR /proc/nowhere cannot be made or written to (ENOENT)')
    expect([counted.code, counted.stdout.split('\n').length]).toEqual([0, 3])
    expect(counted.stderr).toContain('/proc/nowhere/index')
  })

  test('is left as it was where FLAGS_FILE names a file that is not there', async () => {
    const folder = makeFolder()
    const FLAGS_FILE = join(folder, 'flags.json')
    await expect(startServer(folder, { FLAGS_FILE })).rejects.toThrow(`FLAGS_FILE ${FLAGS_FILE} is not there`)
    await startServer(folder)
  })

  test('is free again after a start that failed', async () => {
    const folder = makeFolder()
    await expect(startServer(folder, { FLAGS_FILE: folder, TRANSCRIPTS_DIR: '/nowhere' })).rejects.toThrow('/nowhere')
    await startServer(folder)
  })

  test('forgets where a killed server listened as soon as another one begins', () => {
    const data = join(makeFolder(), 'data')
    const killed = takeServerPlace(data)
    killed.remember('http://127.0.0.1:1')
    killed.leave()
    const place = takeServerPlace(data)
    expect(findServer(data)?.url).toBeUndefined()
    expect(() => takeServerPlace(data)).toThrow(
      `DATA_DIR ${data} is in use by another server, which does not listen (yet)`,
    )
    place.leave()
  })

  test('that a server has which does not listen yet, or no more, is waited for by whoever asks', async () => {
    const data = join(makeFolder(), 'data')
    expect(await findListening(data, 0)).toBeUndefined()
    const place = takeServerPlace(data)
    await expect(findListening(data, 0)).rejects.toThrow(
      `a server has the data folder ${data}, and does not listen (yet): it starts or ends; try again`,
    )
    const whileItStarts = findListening(data, 10_000)
    const forget = place.remember('http://127.0.0.1:1')
    expect((await whileItStarts)?.url).toBe('http://127.0.0.1:1')
    forget()
    const whileItEnds = findListening(data, 10_000)
    place.leave()
    expect(await whileItEnds).toBeUndefined()
  })

  test('keeps what somebody else wrote down at the end of a server', () => {
    const data = join(makeFolder(), 'data')
    const place = takeServerPlace(data)
    const forget = place.remember('http://127.0.0.1:1')
    const path = join(data, 'server.json')
    writeFileSync(path, '{"url":"http://127.0.0.1:2","pid":1}\n')
    forget()
    expect(readFileSync(path, 'utf8')).toContain(':2')
    place.remember('http://127.0.0.1:3')()
    expect(existsSync(path)).toBe(false)
    place.leave()
  })
})
