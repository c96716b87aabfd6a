// A row is made wrong in the database. The guard trips by itself, and somebody is told; nobody looks for two hours, in
// which the server is started again; then it is acknowledged, mended, over, and looked back at.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WRONG_ROW } from '../../test/support/wrong-row.ts'
import { indented } from './recording.ts'
import { askAllUntil, guardOf, type Scene, USERS } from './scene.ts'
import { until } from './waiting.ts'
import type { Told } from './webhook.ts'

const ALERT = 'guard_tripped'
const HOUR_MS = 3_600_000

export async function recordIncident(scene: Scene): Promise<void> {
  await makeRowWrong(scene)
  const { id } = (await tellFirst(scene)).alert
  await leaveAlone(scene, id)
  await acknowledge(scene, id)
  await mend(scene)
  await lookBack(scene, id)
}

async function makeRowWrong(scene: Scene): Promise<void> {
  const { execute, check, say, run } = scene
  await execute(WRONG_ROW)
  const at = performance.now()
  say('a row is made wrong in the database: one token more')
  let [asked, wrong, inRow, lastAt] = [0, 0, 0, at]
  await until(
    'the guard trips',
    async () => {
      const one = await scene.askAs(USERS[asked++ % USERS.length] as string)
      if (one.by === 'LEGACY (GUARD_TRIPPED)') inRow++
      else [inRow, lastAt] = [0, performance.now()]
      if (one.isWrong) wrong++
      return one
    },
    () => inRow === USERS.length,
  )
  const { reason } = await guardOf(scene)
  check(`the guard tripped by itself: ${reason}`, reason !== null)
  say(
    `everybody is on the files ${Math.round(lastAt - at)} ms later; ${wrong} of ${asked} answers were wrong until then`,
  )
  say(`source compare: ${indented(await run(['source', 'compare'], {}, 1))}`)
}

/** Waits for whoever is to be woken to be told of the alert. */
async function toldOf({ webhook }: Scene, event: Told['event']): Promise<Told> {
  const all = await until(
    `${ALERT} told as ${event}`,
    () => webhook.toldOf(ALERT),
    (told) => told.some((one) => one.event === event),
  )
  return all.find((one) => one.event === event) as Told
}

async function tellFirst(scene: Scene): Promise<Told> {
  const { check, say, run } = scene
  const told = await toldOf(scene, 'opened')
  const { name, severity, level, runbook } = told.alert
  const { at } = await guardOf(scene)
  const ms = told.at - Date.parse(at ?? '')
  check(
    `${ms} ms after it tripped an alert is told: ${name}, ${severity}, level ${level}, ${runbook}`,
    severity === 'CRITICAL' && level === 1,
  )
  say(`alert list:\n          ${indented(await run(['alert', 'list']))}`)
  return told
}

/** Nobody acknowledges it, and the server is away for most of the time. */
async function leaveAlone(scene: Scene, id: string): Promise<void> {
  const { check, say, server, setClockAhead, startAgain } = scene
  await server.end('SIGTERM')
  setClockAhead(2 * HOUR_MS)
  await startAgain()
  say('nobody has looked: the server was stopped, and is started again two hours later, by its clock')
  const { alert } = await toldOf(scene, 'escalated')
  check(
    `it went up to level ${alert.level} and is told again, ${alert.id === id ? 'still the same alert' : 'another alert'}`,
    alert.level === 2 && alert.id === id,
  )
}

async function acknowledge({ check, run }: Scene, id: string): Promise<void> {
  const operator = await run(['token', '--user', 'olga', '--roles', 'operator'])
  const printed = await run(['alert', 'acknowledge', id, '--note', 'I look', '--json'], {
    TOKEN_BRIDGE_TOKEN: operator.trim(),
  })
  const { state, acknowledgedBy, level } = JSON.parse(printed)
  check(
    `token-bridge alert acknowledge: ${state} by ${acknowledgedBy}, level ${level}`,
    state === 'ACKNOWLEDGED' && level === 2,
  )
}

async function mend(scene: Scene): Promise<void> {
  const { say, run } = scene
  await askAllUntil(scene, 'LEGACY (GUARD_TRIPPED)', 'while the row is wrong')
  say(indented(await run(['migrate', 'verify', '--repair'])))
  say(`source compare: ${indented(await run(['source', 'compare']))}`)
  say(indented(await run(['guard', 'reset', '--reason', 'the row is repaired'])))
  await askAllUntil(scene, 'CLICKHOUSE (EXPERIMENT)', 'repaired and reset')
}

/** What the weekly review says of how well it was met. */
const FIGURES = ['prevention rate', 'detection speed', 'recovery time', 'impact reduction'] as const

async function lookBack(scene: Scene, id: string): Promise<void> {
  const { webhook, folder, check, say, run } = scene
  await toldOf(scene, 'closed')
  const told = webhook.toldOf(ALERT).map(({ event, alert }) => `${event}${alert.id === id ? '' : ' of another alert'}`)
  check(`its end is told: ${told.join(', ')}`, told.join() === 'opened,escalated,closed')

  const incidents = JSON.parse(await run(['incident', 'list', '--json'])) as Incident[]
  const { resolvedAt, timeline } = incidents.find((one) => one.id === id) ?? { resolvedAt: null, timeline: [] }
  const happened = timeline.map(({ text, by }) => text.replace(/:.*/, '') + (by === null ? '' : ` by ${by}`))
  check(
    `the incident is over: ${happened.join('; ')}`,
    resolvedAt !== null &&
      happened.join('; ') ===
        'everybody is on the files, by the guard itself; level 2; acknowledged by olga; the guard was reset',
  )
  say(`incident list:\n          ${indented(await run(['incident', 'list']))}`)

  const review = await run(['risk', 'report'])
  writeFileSync(join(folder, 'review.md'), review)
  const figures = FIGURES.map((name) => new RegExp(`^- ${name}: .*\\d.*$`, 'm').exec(review)?.[0].slice(2))
  check(
    `the weekly review names it: ${figures.join(', ')}`,
    review.includes(`- CRITICAL ${ALERT}: `) && figures.every((one) => one !== undefined),
    review,
  )
  say(`risk report:\n          ${indented(review)}`)
}

interface Incident {
  id: string
  resolvedAt: string | null
  timeline: { text: string; by: string | null }[]
}
