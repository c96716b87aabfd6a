// npm run unleash:flags -- URL [--project P] [--environment E]: makes the bridge's flags in an Unleash that runs elsewhere.
import { parseArgs } from 'node:util'
import { createFlags } from './create-flags.ts'

const USAGE = `usage: UNLEASH_ADMIN_TOKEN=TOKEN npm run unleash:flags -- URL [--project default] [--environment development]
The token may also follow the URL, where process lists show it.
`

const options = { project: { type: 'string' }, environment: { type: 'string' } } as const

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [url, adminToken = process.env.UNLEASH_ADMIN_TOKEN] = positionals
  if (url === undefined || adminToken === undefined || positionals.length > 2) throw new TypeError('')
  const done = await createFlags({ url, adminToken, ...values })
  process.stdout.write(done.map((line) => `${line}\n`).join(''))
} catch (error) {
  const { message } = error as Error
  // of what was typed
  const isUsage = error instanceof TypeError && (message === '' || 'code' in error)
  process.stderr.write(isUsage ? `${message}${message === '' ? '' : '\n'}${USAGE}` : `${message}\n`)
  process.exitCode = isUsage ? 2 : 1
}
