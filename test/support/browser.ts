import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, launch, type Page } from 'puppeteer-core'
import { onTestFinished } from 'vitest'

const run = promisify(execFile)

interface Program {
  path: string
  /** Where the libraries are that it came with. */
  libraries?: string
}

/** Where browsers are that somebody installed. */
const INSTALLED = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
]
const MISSING =
  'these tests need a browser: install Google Chrome or Chromium (apt-get install chromium, brew install --cask google-chrome), or set CHROME_PATH to one'

/** By CHROME_PATH, else the Chromium that npm ci brings to Linux on x64, else one that is installed. */
async function programOf(): Promise<Program> {
  const { CHROME_PATH } = process.env
  if (CHROME_PATH) return { path: CHROME_PATH }
  if (process.platform === 'linux' && process.arch === 'x64') return unpacked()
  const path = INSTALLED.find(existsSync)
  if (path === undefined) throw new Error(MISSING)
  return { path }
}

/** As its package unpacks itself into the folder for temporary files, with all libraries that a bare Debian lacks. */
const UNPACK = `
  process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs22.x'
  const { default: chromium } = await import('@sparticuz/chromium')
  await chromium.executablePath()
`

/** Unpacks it once, whole or not at all, however many tests ask at a time. */
async function unpacked(): Promise<Program> {
  const { version } = JSON.parse(readFileSync('node_modules/@sparticuz/chromium/package.json', 'utf8'))
  const folder = resolve(`node_modules/.cache/chromium-${version}`)
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true })
    const fresh = mkdtempSync(`${folder}-`)
    try {
      const env = { ...process.env, TMPDIR: fresh }
      await run(process.execPath, ['--input-type=module', '--eval', UNPACK], { env })
      renameSync(fresh, folder)
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true })
      // another test was faster
      if (!existsSync(folder)) throw error
    }
  }
  return { path: join(folder, 'chromium'), libraries: join(folder, 'al2023', 'lib') }
}

async function open(): Promise<Browser> {
  const { path, libraries } = await programOf()
  return launch({
    executablePath: path,
    timeout: 0,
    headless: libraries === undefined ? true : 'shell',
    // tests run as root, and where there is little shared memory; nothing that a page may do is changed
    args: process.platform === 'linux' ? ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] : [],
    env: { ...process.env, ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }) },
  })
}

export interface Tab {
  page: Page
  /** What the browser complained of so far: errors of scripts, what a policy forbade, what did not load. */
  complaints: string[]
  /** What was asked for so far. */
  asked: string[]
}

/** A page of a real browser, closed with it at the end of the test. */
export async function openTab(): Promise<Tab> {
  const browser = await open()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  // the time of the test is limited, and nothing else
  page.setDefaultTimeout(0)
  const complaints: string[] = []
  const asked: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => asked.push(request.url()))
  return { page, complaints, asked }
}
