import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openTab, type Tab } from '../support/browser.ts'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const EXAMPLE = 'examples/dashboard-client'

/** The example as `npm run build` builds it, on an origin of its own. */
async function startPage(): Promise<string> {
  const { build, preview } = await import('vite')
  const outDir = join(makeFolder(), 'page')
  const common = { root: EXAMPLE, logLevel: 'silent', configFile: false } as const
  await build({ ...common, build: { outDir } })
  const server = await preview({ ...common, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } })
  onTestFinished(() => server.close())
  const address = server.httpServer.address()
  if (address === null || typeof address === 'string') throw new Error('the page has no port')
  return `http://127.0.0.1:${address.port}`
}

const SONNET = 'claude-sonnet-4-5-20250929'
const OPUS = 'claude-opus-4-1-20250805'

const TITLE = '<b>Mend</b> the cart'

/** Seven sessions of two models in two projects on two days; session n has n thousand tokens. */
function plant(folder: string): void {
  for (let n = 1; n <= 7; n++) {
    const time = `2026-04-0${n % 2 === 0 ? 2 : 3}T12:00:00.000Z`
    const usage = { input_tokens: 0, output_tokens: n * 1000 }
    const model = n === 2 || n === 3 ? OPUS : SONNET
    const lines = [line({ id: `msg_${n}`, session: `session-${n}`, time, model, usage })]
    if (n === 2) lines.push(JSON.stringify({ type: 'custom-title', customTitle: TITLE, sessionId: 'session-2' }))
    writeTranscripts(folder, { [`${n <= 3 ? 'blog' : 'shop'}/session-${n}.jsonl`]: lines })
  }
}

async function show({ page }: Tab, url: string, server: string, token: string): Promise<void> {
  await page.emulateTimezone('UTC')
  await page.goto(url)
  await page.locator('#server').fill(server)
  await page.locator('#token').fill(token)
  await page.locator('#who button').click()
}

/** The text of an element, as soon as it has any, or what is wrong. */
async function textOf({ page }: Tab, selector: string): Promise<string> {
  const text = await page.waitForFunction(
    (of) => {
      const textIn = (all: string) => [...document.querySelectorAll(all)].map((one) => one.textContent).join('|')
      // what went wrong is told at once, instead of what was waited for
      return textIn(of) || textIn('#problem') || undefined
    },
    {},
    selector,
  )
  return String(await text.jsonValue())
}

describe('the example of a dashboard, in a browser, on another origin than the bridge', () => {
  test('shows totals, the chart, projects, pages of sessions, one session and the reason', async () => {
    const url = await startPage()
    const folder = makeFolder()
    plant(folder)
    const server = await startServer(folder, { NODE_ENV: 'production', CORS_ORIGINS: url })
    const tab = await openTab()
    await show(tab, url, server.url, await server.token(['viewer']))

    expect(await textOf(tab, '#total')).toBe('28,000')
    expect(await textOf(tab, '#parts')).toBe('0 in, 28,000 out, 0 into the cache, 0 from it')
    expect(await textOf(tab, '#cost')).toMatch(/^\$\d+\.\d\d$/)
    expect(await textOf(tab, '#records')).toBe('7 responses in 7 sessions')
    expect(await textOf(tab, '#reason')).toContain('From the transcripts on disk: the bridge to ClickHouse is off')

    expect(await textOf(tab, '.day span')).toBe('2026-04-02|2026-04-03')
    expect(await textOf(tab, '.legend li')).toBe([SONNET, OPUS].join('|'))
    const pieces = await tab.page.$$eval('.bar', (bars) =>
      bars.map((bar) => [...bar.children].map((piece) => [piece.getAttribute('title'), piece.clientHeight > 0])),
    )
    expect(pieces).toEqual([
      [
        [`${SONNET}: 10,000`, true],
        [`${OPUS}: 2,000`, true],
      ],
      [
        [`${SONNET}: 13,000`, true],
        [`${OPUS}: 3,000`, true],
      ],
    ])

    expect(await textOf(tab, '#projects td:nth-child(2)')).toBe('22,000|6,000')
    const ids = '#sessions td:first-child'
    expect(await textOf(tab, ids)).toBe('session-7|session-6|session-5|session-4|session-3')
    await tab.page.locator('#next').click()
    await tab.page.waitForFunction(
      (of, title) => document.querySelector(of)?.textContent === title || undefined,
      {},
      ids,
      TITLE,
    )
    expect(await textOf(tab, ids)).toBe(`${TITLE}|session-1`)
    await tab.page.locator(`${ids} button`).click()
    expect(await textOf(tab, '#session h3')).toBe(TITLE)
    expect(await textOf(tab, '#session')).toContain('ann on laptop')
    expect(await textOf(tab, '#session td')).toBe(`${OPUS}|2,000`)
    expect(tab.complaints).toEqual([])
  })

  test('is kept from the answer by the browser where the bridge does not name its origin, and says so', async () => {
    const url = await startPage()
    const server = await startServer(makeFolder(), {
      NODE_ENV: 'production',
      CORS_ORIGINS: 'https://dashboard.example',
    })
    const tab = await openTab()
    await show(tab, url, server.url, await server.token(['viewer']))
    expect(await textOf(tab, '#problem')).toContain(`does its CORS_ORIGINS name ${url}?`)
    expect(tab.complaints.join()).toContain('blocked by CORS policy')
  })

  test('needs no setting while it is developed on the same machine, and is told what is wrong with its token', async () => {
    const url = await startPage()
    const folder = makeFolder()
    plant(folder)
    const server = await startServer(folder)
    const tab = await openTab()
    await show(tab, url, server.url, 'a.b.c')
    expect(await textOf(tab, '#problem')).toMatch(/^not a token of this bridge.* \(UNAUTHENTICATED\)$/)
    await tab.page.locator('#token').fill(await server.token(['viewer']))
    await tab.page.locator('#who button').click()
    expect(await textOf(tab, '#total')).toBe('28,000')
    expect(await tab.page.$eval('#problem', ({ textContent }) => textContent)).toBe('')
  })
})

test('the example names the versions that the tests run it by', () => {
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
  const own = read('package.json')
  const { dependencies, devDependencies } = read(`${EXAMPLE}/package.json`)
  expect({ ...own.dependencies, ...own.devDependencies }).toMatchObject({ ...dependencies, ...devDependencies })
})
