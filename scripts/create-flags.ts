import { readFileSync } from 'node:fs'

/** Flags as `flags/default.json` has them. */
interface DefaultFlag {
  name: string
  description: string
  type: string
  enabled: boolean
  strategies: { name: string; parameters: object; variants?: object[] }[]
}

/** The flags that are not there yet; what engineers have toggled stays. */
export async function createFlags(url: string, adminToken: string): Promise<void> {
  const { features } = JSON.parse(readFileSync(new URL('../flags/default.json', import.meta.url), 'utf8')) as {
    features: DefaultFlag[]
  }
  const call = async (path: string, body?: object): Promise<number> => {
    const response = await fetch(`${url}/api/admin/projects/default/features${path}`, {
      method: 'POST',
      headers: { authorization: adminToken, 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    })
    if (response.status >= 400 && response.status !== 409)
      throw new Error(`Unleash refused a flag: ${response.status} ${await response.text()}`)
    return response.status
  }
  for (const { name, description, type, enabled, strategies } of features) {
    if ((await call('', { name, description, type })) === 409) continue
    for (const strategy of strategies) await call(`/${name}/environments/development/strategies`, strategy)
    if (enabled) await call(`/${name}/environments/development/on`)
  }
}
