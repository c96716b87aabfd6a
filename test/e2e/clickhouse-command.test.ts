import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Running, startCommand } from '../support/cli.ts'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const COMMAND = fileURLToPath(new URL('../../scripts/clickhouse.ts', import.meta.url))

const clickhouse = (folder: string, ...args: string[]): Running =>
  startCommand([process.execPath, COMMAND, '--data', 'clickhouse', ...args], folder)

const USERS = fileURLToPath(new URL('../../docs/clickhouse-users.sql', import.meta.url))

const STOP = 'SYSTEM STOP LISTEN HTTP'

interface Told {
  url: string
  user: string
  password: string
  pid: number
}

/** What it prints with `--json` once it answers. */
const told = (running: Running): Promise<Told> =>
  until('the ClickHouse server', () => {
    const [first, rest] = running.stdout().split('\n')
    return rest === undefined ? undefined : (JSON.parse(first as string) as Told)
  })

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
const gone = (pid: number) => until(`process ${pid} to be gone`, () => (isAlive(pid) ? undefined : true))

/** A port that somebody else listens on. */
async function takenPort(): Promise<number> {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  return (other.address() as { port: number }).port
}

describe('npm run clickhouse', () => {
  test('starts a server that a bridge answers from, says how, and ends with SIGTERM; its data and password stay', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2' })] })
    const running = clickhouse(folder, '--port', '0')
    const pattern =
      /^ClickHouse runs at (http:\S+); its data is in \S+\.\nPoint the bridge at it:\nCLICKHOUSE_URL=(\S+) CLICKHOUSE_USER=(\S+) CLICKHOUSE_PASSWORD=(\S+) npm start\n$/
    const [, shown, url = '', user = '', password = ''] = await until(
      'what it prints',
      () => pattern.exec(running.stdout()) ?? undefined,
    )
    expect(shown).toBe(url)
    const settings = { CLICKHOUSE_URL: url, CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password }
    const bridge = await startServer(folder, settings)
    await bridge.ask('mutation { startMigration { id } }', {}, ['operator'])
    await until('answers from ClickHouse', async () => {
      const { data } = await bridge.ask('{ tokenMetrics { tokens { total } provenance { source } } }')
      const { tokens, provenance } = data.tokenMetrics
      return tokens.total === '4' && provenance.source === 'CLICKHOUSE' ? true : undefined
    })
    await bridge.close()
    running.signal('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
    await expect(fetch(`${url}/ping`)).rejects.toBeDefined()

    const again = clickhouse(folder, '--port', new URL(url).port, '--json')
    const second = await told(again)
    expect(second).toEqual({ url, user, password, pid: expect.any(Number) })
    const counted = await fetch(`${url}/?query=SELECT+count()+FROM+token_bridge.copies`, {
      headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
    })
    expect(await counted.text()).toBe('2\n')
    again.signal('SIGINT')
    expect(await again.ended).toMatchObject({ code: 0 })
    await gone(second.pid)
  })

  test('makes the documented users, which have their rights and no others', async () => {
    const folder = makeFolder()
    const running = clickhouse(folder, '--port', '0', '--json', '--users', USERS)
    const { url, password } = await told(running)
    const ask = async (user: string, sql: string) => {
      const headers = { 'x-clickhouse-user': user, 'x-clickhouse-key': password }
      const answer = await fetch(url, { method: 'POST', body: sql, headers })
      return answer.headers.get('x-clickhouse-exception-code') ?? 'done'
    }
    expect(await ask('bridge_migrator', 'CREATE DATABASE token_bridge')).toBe('done')
    expect(await ask('bridge_publisher', 'CREATE DATABASE other')).toBe('497')
    expect(await ask('bridge_reader', 'SELECT 1 FROM token_bridge.copies')).toBe('60')
    expect(await ask('bridge_reader', 'CREATE TABLE token_bridge.mine (a UInt8) ENGINE = Memory')).toBe('497')
  })

  test('says which statement of a file makes no user, and shows nothing of it', async () => {
    const folder = makeFolder()
    writeFileSync(join(folder, 'users.sql'), "CREATE USER a IDENTIFIED WITH plaintext_password BY 'secret';\n")
    const ended = await clickhouse(folder, '--port', '0', '--users', 'users.sql').ended
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^clickhouse: --users users\.sql: statement 1 is none of those that make users: /)
    expect(ended.stderr).not.toContain('secret')
  })

  test('lets nobody in without the password, which only its owner can read', async () => {
    const folder = makeFolder()
    const { url, user, password } = await told(clickhouse(folder, '--port', '0', '--json'))
    const ask = async (name: string, key: string) =>
      (await fetch(`${url}/?query=SELECT+1`, { headers: { 'x-clickhouse-user': name, 'x-clickhouse-key': key } }))
        .status
    expect([await ask(user, password), await ask(user, 'wrong'), await ask(user, '')]).toEqual([200, 403, 403])
    // the user of the command itself, which has no password, reads, changes and ends nothing: no right, or no statement left
    for (const sql of ['SELECT * FROM system.processes', 'CREATE DATABASE other', 'KILL QUERY WHERE 1', STOP]) {
      const { headers } = await fetch(url, { method: 'POST', body: sql })
      expect(headers.get('x-clickhouse-exception-code')).toMatch(/^(201|497)$/)
    }
    expect(await ask(user, password)).toBe(200)
    const data = join(folder, 'clickhouse')
    expect(readFileSync(join(data, 'password'), 'utf8')).toBe(password)
    expect(readdirSync(join(data, 'data'))).toContain('users.xml')
    expect(readFileSync(join(data, 'data', 'users.xml'), 'utf8')).not.toContain(password)
  })

  test('leaves no process behind when it is killed', async () => {
    const running = clickhouse(makeFolder(), '--port', '0', '--json')
    const { pid } = await told(running)
    expect(isAlive(pid)).toBe(true)
    running.signal('SIGKILL')
    await gone(pid)
  })

  test('ends when its server does, and says so', async () => {
    const running = clickhouse(makeFolder(), '--port', '0', '--json')
    const { pid } = await told(running)
    process.kill(pid, 'SIGKILL')
    expect(await running.ended).toMatchObject({ code: 1, stderr: 'clickhouse: the server has ended\n' })
  })

  test('says in one line that a port is taken, a folder is in use or an argument is wrong', async () => {
    const folder = makeFolder()
    const port = await takenPort()
    expect(await clickhouse(folder, '--port', String(port)).ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `clickhouse: port ${port} is taken: choose another --port\n`,
    })
    expect(await clickhouse(folder, '--port', '0', '--native-port', String(port)).ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `clickhouse: port ${port} is taken: choose another --native-port\n`,
    })
    expect(await clickhouse(folder, '--port', '70000').ended).toEqual({
      code: 2,
      stdout: '',
      stderr: 'clickhouse: --port must be a port, not 70000\n',
    })
    await told(clickhouse(folder, '--port', '0', '--json'))
    expect(await clickhouse(folder, '--port', '0').ended).toEqual({
      code: 1,
      stdout: '',
      stderr: 'clickhouse: another server uses the folder clickhouse: choose another --data\n',
    })
  })
})
