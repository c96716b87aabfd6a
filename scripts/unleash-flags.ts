// npm run unleash:flags -- URL ADMIN_TOKEN: creates the bridge's flags in an Unleash that runs elsewhere.
import { createFlags } from './create-flags.ts'

const [url, adminToken] = process.argv.slice(2)
if (url === undefined || adminToken === undefined) {
  process.stderr.write('usage: npm run unleash:flags -- URL ADMIN_TOKEN\n')
  process.exitCode = 2
} else {
  await createFlags(url, adminToken)
  process.stdout.write('the flags are in the project Default, environment development\n')
}
