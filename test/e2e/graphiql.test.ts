import type { Page } from 'puppeteer-core'
import { expect, test } from 'vitest'
import { openTab } from '../support/browser.ts'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

/** Runs the question of the tab that is open; what GraphiQL shows as the answer. */
async function answerIn(page: Page, past: readonly string[]): Promise<string> {
  for (;;) {
    await page.locator('.graphiql-execute-button').click()
    const shown = await page.waitForFunction(
      (seen) => {
        const text = document.querySelector('.result-window .CodeMirror-code')?.textContent ?? ''
        return /"(data|errors)"/.test(text) && !seen.includes(text) ? text : undefined
      },
      {},
      past,
    )
    const answer = String(await shown.jsonValue())
    // a moment after another tab was opened, GraphiQL still asks for the operation of the one before
    if (!answer.includes('Unknown operation named')) return answer
  }
}

/** A server with some usage. */
async function started(settings: Record<string, string> = {}) {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': line({ id: 'msg_1', usage: { output_tokens: 4242 } }) })
  return startServer(folder, settings)
}

test('GraphiQL is signed in by the printed address, and each of its example questions is answered', async () => {
  const server = await started()
  const { page, complaints, asked } = await openTab()
  await page.goto(server.app.signInUrl ?? '')
  await page.locator('a').click()
  const tabs = '.graphiql-tab-button'
  await page.waitForSelector(tabs)
  const answers: string[] = []
  for (const [index, tab] of (await page.$$(tabs)).entries()) {
    await tab.click()
    answers[index] = await answerIn(page, answers)
  }
  expect(answers).toHaveLength(4)
  expect(answers[0]).toMatch(/"output": .?"4242"/)
  for (const answer of answers) expect(answer).not.toContain('"errors"')
  // what it shows beside questions needs styles and pictures, too
  await page.locator('[aria-label="Show Documentation Explorer"]').click()
  await page.waitForFunction(() => /Root Types.*TokenMetrics/s.test(document.body.textContent ?? '') || undefined)
  await page.locator('[aria-label="Open settings dialog"]').click()
  await page.waitForSelector('.graphiql-dialog')
  expect(complaints).toEqual([])
  for (const url of asked) expect(url).toMatch(new RegExp(`^(${server.url}/|data:)`))
})

test('a stranger may look at the page, gets no answer, and is told how to be signed in', async () => {
  const server = await started()
  const { page } = await openTab()
  await page.goto(`${server.url}/graphiql`)
  await page.locator('#stranger').wait()
  await page.locator('.graphiql-execute-button').click()
  const shown = await page.waitForFunction(
    () => /"errors".*/s.exec(document.querySelector('.result-window')?.textContent ?? '')?.[0],
  )
  expect(await shown.jsonValue()).toContain('UNAUTHENTICATED')
})

test('the page runs what this server sends, and nothing that is written into it', async () => {
  const server = await started()
  const response = await fetch(`${server.url}/graphiql`)
  const policy = response.headers.get('content-security-policy')
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]{24}'; connect-src 'self'/,
  )
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
  expect((await fetch(`${server.url}/graphiql`)).headers.get('content-security-policy')).not.toBe(policy)
  for (const path of ['/graphiql/', '/graphiql/..%2f..%2fpackage.json', '/graphiql/package.json'])
    expect((await fetch(`${server.url}${path}`)).status, path).toBe(404)
})

test('GraphiQL is not there in production', async () => {
  const server = await started({ NODE_ENV: 'production' })
  for (const path of ['/graphiql', '/graphiql/graphiql.js', '/graphiql/questions.json'])
    expect((await fetch(`${server.url}${path}`)).status, path).toBe(404)
})
