import { readFileSync } from 'node:fs'

/** Flags as `flags/default.json` has them. */
interface DefaultFlag {
  name: string
  description: string
  type: string
  enabled: boolean
  /** Whether Unleash's clients tell of each evaluation that counts. */
  impressionData?: boolean
  strategies: { name: string; parameters: object; variants?: object[] }[]
}

/** As far as Unleash's admin API is of interest here. */
interface Feature {
  project: string
  impressionData: boolean
  environments: { name: string; enabled: boolean; strategies: object[] }[]
}

export interface FlagsPlace {
  /** `http://host:4242`. */
  url: string
  adminToken: string
  project?: string
  environment?: string
}

/** What strategies may look at, beside what Unleash knows by itself. */
const CONTEXT_FIELDS: Readonly<Record<string, string>> = {
  roles: 'Roles of the token that asks, as operator,viewer: use STR_CONTAINS.',
  host: 'Name of the host that an instance of the bridge runs on.',
}

/**
 * Makes the flags that are not there yet in a project, and sets each up in an environment where it has no strategy yet;
 * what engineers have set stays. May be repeated. Returns what was done, a line each. Throws where Unleash refuses.
 */
export async function createFlags({
  url,
  adminToken,
  project = 'default',
  environment = 'development',
}: FlagsPlace): Promise<string[]> {
  const call = callsOf(url, adminToken)
  const features = `/projects/${encodeURIComponent(project)}/features`
  await requireEnvironment(call, project, environment)
  const done = await addContextFields(call)
  for (const flag of defaultFlags()) done.push(`${flag.name}: ${await makeFlag(call, features, environment, flag)}`)
  return done
}

function defaultFlags(): DefaultFlag[] {
  const text = readFileSync(new URL('../flags/default.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { features: DefaultFlag[] }).features
}

/** Asks the admin API: gives status and answer. Throws where it refuses for another reason than that it is not there. */
type Call = (method: string, path: string, body?: object) => Promise<{ status: number; answer: unknown }>

function callsOf(url: string, adminToken: string): Call {
  return async (method, path, body) => {
    const response = await fetch(`${url.replace(/\/+$/, '')}/api/admin${path}`, {
      method,
      headers: { authorization: adminToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(({ message, cause }: Error) => {
      throw new Error(`${url} does not answer (${(cause as { code?: string } | undefined)?.code ?? message})`)
    })
    const text = await response.text()
    if (!response.ok && response.status !== 404)
      throw new Error(`Unleash refuses ${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    return { status: response.status, answer: response.ok && text !== '' ? JSON.parse(text) : undefined }
  }
}

async function requireEnvironment(call: Call, project: string, environment: string): Promise<void> {
  const { answer } = await call('GET', `/projects/${encodeURIComponent(project)}/overview`)
  if (answer === undefined) throw new Error(`Unleash has no project ${project}`)
  const { environments } = answer as { environments: { environment: string }[] }
  const names = environments.map((one) => one.environment)
  if (!names.includes(environment))
    throw new Error(`the project ${project} has no environment ${environment}; it has ${names.join(', ')}`)
}

/** Without them the admin page offers no constraint that looks at them. */
async function addContextFields(call: Call): Promise<string[]> {
  const known = ((await call('GET', '/context')).answer as { name: string }[]).map(({ name }) => name)
  const missing = Object.entries(CONTEXT_FIELDS).filter(([name]) => !known.includes(name))
  for (const [name, description] of missing) await call('POST', '/context', { name, description })
  return missing.map(([name]) => `the context field ${name}: made`)
}

async function makeFlag(call: Call, features: string, environment: string, flag: DefaultFlag): Promise<string> {
  const { name, description, type, enabled, strategies, impressionData = false } = flag
  const path = `${features}/${name}`
  const done: string[] = []
  const find = async () => (await call('GET', path)).answer as Feature | undefined
  let feature = await find()
  if (feature === undefined) {
    // the same name in another project is refused: names are of the whole Unleash
    await call('POST', features, { name, description, type, impressionData })
    done.push('made')
    feature = (await find()) as Feature
  }
  if (impressionData && !feature.impressionData) {
    await call('PATCH', path, [{ op: 'replace', path: '/impressionData', value: true }])
    done.push('impression data turned on')
  }
  const there = feature.environments.find((one) => one.name === environment)
  if ((there?.strategies.length ?? 0) > 0)
    return [...done, `there already in ${environment}, ${there?.enabled === true ? 'on' : 'off'}`].join(', ')
  const place = `${path}/environments/${encodeURIComponent(environment)}`
  for (const strategy of strategies) await call('POST', `${place}/strategies`, strategy)
  if (enabled) await call('POST', `${place}/on`)
  return [...done, `set up in ${environment}, ${enabled ? 'on' : 'off'}`].join(', ')
}
