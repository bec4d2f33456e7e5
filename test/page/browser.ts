// A page in Debian's Chromium, without a window: what it asks for and complains of is kept.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { needPrograms } from '../../scripts/programs.mjs'
import { root } from '../../scripts/setup.mjs'

const executablePath = '/usr/bin/chromium'

/** Nothing that calls home; the sandbox is not for root. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Undefined where Chromium is not there and cannot be installed; what is missing is printed. */
export async function launch(): Promise<Browser | undefined> {
  if (!needPrograms({ [executablePath]: 'chromium' }, { required: false })) return undefined
  return await chromium.launch({ executablePath, args: FLAGS })
}

/** The page that the build makes of a report: the package's own code. */
export async function builtPage(): Promise<typeof import('../../bench/page/page.js')> {
  return await import(pathToFileURL(join(root, 'dist/bench/page/page.js')).href)
}

export interface Opened {
  page: Page
  /** What the console said, what was thrown, and what was asked for besides the file. */
  complaints: string[]
}

export async function open(
  browser: Browser,
  html: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-page-'))
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options })
  onTestFinished(async () => {
    await context.close()
    rmSync(folder, { recursive: true })
  })
  const url = pathToFileURL(join(folder, 'report.html')).href
  writeFileSync(join(folder, 'report.html'), html)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.message}`))
  page.on('request', (request) => {
    if (request.url() !== url) complaints.push(`request: ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints }
}
