import { type Bridge, createBridge } from './bridge.ts'
import { stackedChart } from './chart.ts'
import { byId, count, dollars, element, table } from './elements.ts'
import { OneSessionDocument, OverviewDocument, SessionsDocument } from './generated.ts'
import { explain } from './reasons.ts'

const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone

byId<HTMLFormElement>('who').addEventListener('submit', (event) => {
  event.preventDefault()
  const bridge = createBridge(byId<HTMLInputElement>('server').value, byId<HTMLInputElement>('token').value)
  void told(async () => {
    await Promise.all([showOverview(bridge), showSessions(bridge)])
    byId('answers').hidden = false
  })
})

/** Whatever goes wrong is shown to whoever looks at the page. */
async function told(work: () => Promise<void>): Promise<void> {
  byId('problem').textContent = ''
  try {
    await work()
  } catch (error) {
    byId('problem').textContent = (error as Error).message
  }
}

async function showOverview(bridge: Bridge): Promise<void> {
  const { tokenMetrics } = await bridge.ask(OverviewDocument, { timeZone })
  const { tokens, costUsd, recordCount, sessionCount, breakdown, byProject, provenance } = tokenMetrics
  byId('total').textContent = count(tokens.total)
  byId('parts').textContent =
    `${count(tokens.input)} in, ${count(tokens.output)} out, ` +
    `${count(tokens.cacheCreation)} into the cache, ${count(tokens.cacheRead)} from it`
  byId('cost').textContent = dollars(costUsd)
  byId('records').textContent = `${count(recordCount)} responses in ${sessionCount} sessions`
  byId('reason').textContent = explain(provenance)
  byId('chart').replaceChildren(stackedChart(breakdown))
  const rows = byProject.map((one) => [one.project, count(one.tokens.total), dollars(one.costUsd)])
  byId('projects').replaceChildren(table(['project', 'tokens', 'cost'], rows))
}

/** A page of sessions; the next one begins after `after`. */
async function showSessions(bridge: Bridge, after: string | null = null): Promise<void> {
  const { tokenMetrics } = await bridge.ask(SessionsDocument, { after })
  const { edges, pageInfo, totalCount } = tokenMetrics.sessions
  const rows = edges.map(({ node }) => {
    const open = element('button', { title: node.id }, node.title ?? node.id)
    open.addEventListener('click', () => void told(() => showSession(bridge, node.id)))
    return [open, node.project, count(node.tokens.total), dollars(node.costUsd)]
  })
  const next = element('button', { id: 'next' }, 'Next')
  next.hidden = !pageInfo.hasNextPage
  next.addEventListener('click', () => void told(() => showSessions(bridge, pageInfo.endCursor)))
  const caption = element('p', {}, `${totalCount} sessions, the largest first`)
  byId('sessions').replaceChildren(caption, table(['session', 'project', 'tokens', 'cost'], rows), next)
}

async function showSession(bridge: Bridge, id: string): Promise<void> {
  const { session } = await bridge.ask(OneSessionDocument, { id })
  if (session == null) return byId('session').replaceChildren(`there is no session ${id}`)
  const { project, user, host, startedAt, lastActivityAt, tokens, costUsd, byModel } = session
  const when = [startedAt, lastActivityAt].map((time) => new Date(time).toLocaleString('en')).join(' to ')
  byId('session').replaceChildren(
    element('h3', {}, session.title ?? session.id),
    element('p', {}, `${user} on ${host}, in ${project}, ${when}: ${count(tokens.total)} tokens, ${dollars(costUsd)}`),
    table(
      ['model', 'tokens'],
      byModel.map((one) => [one.model, count(one.tokens.total)]),
    ),
  )
}
