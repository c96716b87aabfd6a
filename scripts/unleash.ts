// npm run unleash: a real Unleash with its admin page and the bridge's flags, until it is interrupted.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

// PostgreSQL runs as a user of its own where this is root, and that user must get there
const DATA = process.getuid?.() === 0 ? '/var/lib/token-bridge/unleash-server' : '.token-bridge/unleash-server'

const HELP = `usage: npm run unleash -- [--port 4242] [--data ${DATA}] [--json]

Starts Unleash and the PostgreSQL that it needs, both from the registry, creates the flags of Token Bridge and
prints how to log in and how to point the bridge at it. --json prints that as one line of JSON. --port 0 takes
a free port.`

// telemetry, and warnings of libraries that nobody here can change
process.env.SCARF_ANALYTICS = 'false'
process.noDeprecation = true

/** One line, and whatever was started ends. */
function fail(error: Error): never {
  process.stderr.write(`unleash: ${error.message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`)
  process.exit(1)
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4242' },
    data: { type: 'string', default: DATA },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(`${HELP}\n`)
  process.exit(0)
}
const { startUnleash } = await import('./unleash-server.ts')
const { stop, ...server } = await startUnleash(resolve(values.data), Number(values.port)).catch(fail)
process.stdout.write(
  values.json
    ? `${JSON.stringify(server)}\n`
    : `Unleash runs at ${server.url}: log in as ${server.user} with the password ${server.password}
The flags are in the project Default, environment development. Who gets what, tried out: ${server.url}/playground
Point the bridge at it:
UNLEASH_URL=${server.apiUrl} UNLEASH_API_TOKEN='${server.apiToken}' npm start
For the admin API (npm run unleash:flags, curl -H 'authorization: …'):
${server.adminToken}
`,
)
let stopping = false
const end = (): void => {
  if (stopping) process.exit(1)
  stopping = true
  stop().then(() => process.exit(0), fail)
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
