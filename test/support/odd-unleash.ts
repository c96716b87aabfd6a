import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Flags } from '../../src/ports/flags.ts'
import { connectUnleash } from '../../src/unleash/unleash-flags.ts'
import { makeFolder } from './transcripts.ts'

export const SHIPPED = readFileSync('flags/default.json', 'utf8')
export type Reply = (response: ServerResponse) => void
export const says =
  (body: string, status = 200): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)

/** A server that says whatever a test wants, where Unleash should be. */
export async function startOddUnleash(reply: Reply): Promise<{ url: string; say(reply: Reply): void }> {
  let now = reply
  const server = createServer((_request, response) => now(response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, say: (next) => (now = next) }
}

export interface Told {
  flags: Flags
  problems: string[]
  solved: string[]
}

export async function connect(url: string, more: Partial<Parameters<typeof connectUnleash>[0]> = {}): Promise<Told> {
  const problems: string[] = []
  const solved: string[] = []
  const flags = await connectUnleash({
    url,
    apiToken: 'secret',
    appName: 'token-bridge',
    folder: makeFolder(),
    bootstrapFile: undefined,
    defaultFile: 'flags/default.json',
    refreshIntervalMs: 20,
    onProblem: (problem) => problems.push(problem),
    onSolved: (problem) => solved.push(problem),
    onChange() {},
    ...more,
  })
  onTestFinished(() => flags.close())
  return { flags, problems, solved }
}

export interface Strategy {
  name: string
  parameters: object
  constraints?: object[]
  segments?: number[]
  variants?: { name: string; weight: number; payload?: object }[]
}
export interface Feature {
  name: string
  enabled: unknown
  strategies: [Strategy, ...Strategy[]] | []
}

export const shipped = (): { features: Feature[] } => JSON.parse(SHIPPED)
export const featureOf = ({ features }: { features: Feature[] }, name: string): Feature =>
  features.find((feature) => feature.name === name) as Feature

/** The shipped flags with the experiment on, changed. */
export function experimentWith(change: (feature: Feature) => void): string {
  const answer = shipped()
  const feature = featureOf(answer, 'dashboard_ab_test')
  feature.enabled = true
  change(feature)
  return JSON.stringify(answer)
}

/** The experiment on, its strategy changed. */
export const strategyWith = (change: Partial<Strategy>): string =>
  experimentWith((feature) => Object.assign(feature.strategies[0] as Strategy, change))

export function without(...names: string[]): string {
  const answer = shipped()
  return JSON.stringify({ ...answer, features: answer.features.filter(({ name }) => !names.includes(name)) })
}

export function shadowReads(value: unknown): string {
  const answer = shipped()
  const feature = featureOf(answer, 'shadow_reads_enabled')
  feature.enabled = true
  Object.assign(feature.strategies[0]?.variants?.[0] ?? {}, { payload: { type: 'number', value } })
  return JSON.stringify(answer)
}
