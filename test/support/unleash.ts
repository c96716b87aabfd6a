import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface RunningUnleash {
  apiUrl: string
  /** Of the admin page and API. */
  url: string
  adminToken: string
  /** Where it keeps everything. */
  folder: string
  apiToken: string
  /** Turns a flag on or off, as an engineer does on the admin page. */
  toggle(name: string, enabled: boolean): Promise<void>
  /** Sets the variants of the experiment, out of 1000. */
  setDatabaseWeight(weight: number): Promise<void>
  setVariants(variants: readonly object[]): Promise<void>
  /** The share of answers that are compared in the shadow, 0 to 1. */
  setShadowShare(share: number): Promise<void>
  /** Whom a flag counts for. */
  setConstraints(name: string, constraints: readonly object[]): Promise<void>
  /** Ends it, and starts it again at the same address, over the same PostgreSQL database. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const SCRIPT = fileURLToPath(new URL('../../scripts/unleash.ts', import.meta.url))

/** `npm run unleash`: a real Unleash with a real PostgreSQL, in a folder of its own. */
export async function runUnleash(): Promise<RunningUnleash> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-unleash-'))
  let running = await start(folder, '0')
  const { started } = running
  const features = `${started.url}/api/admin/projects/default/features`
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${features}${path}`, {
      method,
      headers: { authorization: started.adminToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    const text = await response.text()
    return text === '' ? undefined : JSON.parse(text)
  }
  const setVariantsOf = async (name: string, variants: readonly object[]): Promise<void> => {
    const path = `/${name}/environments/development/strategies`
    const [strategy] = (await call('GET', path)) as { id: string; parameters: object }[]
    if (strategy === undefined) throw new Error(`${name} has no strategy`)
    await call('PUT', `${path}/${strategy.id}`, { name: 'flexibleRollout', parameters: strategy.parameters, variants })
  }
  const setVariants = (variants: readonly object[]) => setVariantsOf('dashboard_ab_test', variants)
  return {
    apiUrl: started.apiUrl,
    url: started.url,
    adminToken: started.adminToken,
    folder,
    apiToken: started.apiToken,
    async toggle(name, enabled) {
      await call('POST', `/${name}/environments/development/${enabled ? 'on' : 'off'}`)
    },
    setDatabaseWeight: (weight) =>
      setVariants([
        { name: 'database', weight, weightType: 'fix', stickiness: 'userId' },
        { name: 'legacy', weight: 1000 - weight, weightType: 'variable', stickiness: 'userId' },
      ]),
    setVariants,
    setShadowShare: (share) =>
      setVariantsOf('shadow_reads_enabled', [
        {
          name: 'sample',
          weight: 1000,
          weightType: 'variable',
          stickiness: 'userId',
          payload: { type: 'number', value: String(share) },
        },
      ]),
    async setConstraints(name, constraints) {
      const path = `/${name}/environments/development/strategies`
      for (const { id, ...strategy } of (await call('GET', path)) as { id: string }[])
        await call('PUT', `${path}/${id}`, { ...strategy, constraints })
    },
    async restart() {
      await running.stop()
      running = await start(folder, new URL(started.url).port)
    },
    async stop() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface UnleashProcess {
  started: Record<'url' | 'apiUrl' | 'apiToken' | 'adminToken', string>
  stop(): Promise<void>
}

async function start(folder: string, port: string): Promise<UnleashProcess> {
  const child = spawn(process.execPath, [SCRIPT, '--port', port, '--data', folder, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const started = await new Promise<UnleashProcess['started']>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
      const line = output.split('\n').find((one) => one.startsWith('{"'))
      if (line !== undefined && output.includes(`${line}\n`)) resolve(JSON.parse(line))
    })
    child.on('exit', (code) => reject(new Error(`npm run unleash ended with code ${code}: ${errors}`)))
  })
  return {
    started,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
