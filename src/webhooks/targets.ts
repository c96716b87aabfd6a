import { type AlertNotification, AlertRefused, type AlertTarget } from '../ports/alert-target.ts'

/** Whoever takes an alert has so long. */
const DEADLINE_MS = 10_000

/** What they say of something that is not as they want it. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422])

/** Tells alerts as JSON; `Idempotency-Key` is the same where one is sent again. */
export const createWebhook = (url: string, deadlineMs = DEADLINE_MS): AlertTarget => ({
  name: 'webhook',
  send: (notification) => post(url, notification.id, toJson(notification), deadlineMs),
})

/** Tells alerts in the form of Slack's incoming webhooks. */
export const createSlack = (url: string, deadlineMs = DEADLINE_MS): AlertTarget => ({
  name: 'slack',
  send: (notification) => post(url, notification.id, { text: toText(notification) }, deadlineMs),
})

function toJson({ id, event, alert: { openedAt, closedAt, ...alert } }: AlertNotification): object {
  const moment = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString())
  return { id, event, alert: { ...alert, openedAt: moment(openedAt), closedAt: moment(closedAt) } }
}

function toText({ event, alert: { name, severity, level, message, runbook } }: AlertNotification): string {
  const what = event === 'closed' ? 'closed' : `${event === 'worsened' ? 'now ' : ''}${severity}, level ${level}`
  return escaped(`[${what}] ${name}: ${message}${event === 'closed' ? '' : ` (${runbook})`}`)
}

/** In Slack's texts these three are signs. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The address is a secret: no error tells it. A redirect would hand the alert on to somebody whom nobody named. */
async function post(url: string, id: string, body: object, deadlineMs: number): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(deadlineMs),
  }).catch((error: Error) => {
    throw new Error(`it was not reached: ${reasonOf(error)}`)
  })
  await response.body?.cancel().catch(() => undefined)
  if (response.status >= 300 && response.status < 400) throw new Error('it redirects, which is not followed')
  if (REFUSALS.has(response.status)) throw new AlertRefused(`it answered ${response.status}`)
  if (!response.ok) throw new Error(`it answered ${response.status}`)
}

function reasonOf({ name, cause }: Error): string {
  if (name === 'TimeoutError') return 'it took too long'
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : 'the connection failed'
}
