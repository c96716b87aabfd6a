import type { TestServer } from './server.ts'

/** Where the log says that the port of `METRICS_PORT` listens. */
export function metricsUrl(server: TestServer): string {
  const line = server
    .log()
    .split('\n')
    .find((one) => one.includes('"metrics are told at"'))
  return (JSON.parse(line ?? '{}') as { url: string }).url
}
