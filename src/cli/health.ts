import { type RemoteOptions, request } from './client.ts'
import { HealthDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'

/** `token-bridge health`: how the bridge and its parts are. Exit code 1 where it is down. */
export async function showHealth(options: RemoteOptions): Promise<void> {
  const { health } = await request(HealthDocument, {}, options)
  if (health.state === 'DOWN') process.exitCode = 1
  if (options.json) {
    printJson(health)
    return
  }
  const width = Math.max(...health.components.map(({ name }) => name.length))
  const lines = health.components.map(
    ({ name, state, detail, ageSeconds }) =>
      `${name.padEnd(width)}  ${state.padEnd(8)}  ${detail ?? ''}${ageSeconds == null ? '' : ` (${ageSeconds.toFixed(0)} s ago)`}`,
  )
  printLines([health.state, ...lines])
}
