import type { TestServer } from './server.ts'

/** How many responses a server has sent again as they were, as its figures say. */
export async function sentAgain(server: Pick<TestServer, 'url' | 'token'>): Promise<number> {
  const headers = { authorization: `Bearer ${await server.token(['scraper'])}` }
  const text = await (await fetch(`${server.url}/metrics`, { headers })).text()
  return Number(/^token_bridge_responses_sent_again_total (\d+)$/m.exec(text)?.[1] ?? 0)
}
