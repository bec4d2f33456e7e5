// The report in a browser: what it shows is what the JSON says, it asks for nothing, and it can be read by
// day and night, on a phone, on paper, by ear and without scripts.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Experiment } from '../../bench/harness/experiment.js'
import type { BenchReport } from '../../bench/harness/report.js'
import { short } from '../../bench/page/markup.js'
import { builtPage, launch, open } from './browser.js'
import { CHARTS, HARD, HOSTILE, hard, hostile, queueReport, twoNodes } from './reports.js'

let browser: Browser | undefined
let pageOf: (report: BenchReport, known?: readonly Experiment[]) => string

beforeAll(async () => {
  pageOf = (await builtPage()).pageOf
  browser = await launch()
})
afterAll(() => browser?.close())
beforeEach((context) => {
  if (browser === undefined) {
    console.log('not tested: Chromium is not here')
    context.skip('Chromium is not here')
  }
})

const here = () => browser as Browser
const LIGHT = { colorScheme: 'light' } as const
const DARK = { colorScheme: 'dark' } as const
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true } as const

/** The cells of the table with this caption. */
const cells = (page: Page, caption: string) =>
  page
    .locator('table', { has: page.locator(`caption:text-is("${caption}")`) })
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    )

const isWide = (page: Page) => page.evaluate('document.documentElement.scrollWidth > innerWidth')

describe('a report of two nodes', () => {
  it('tells the result, the nodes and the conditions, asks for nothing and complains of nothing', async () => {
    const { page, complaints } = await open(here(), pageOf(twoNodes()))
    expect(await page.textContent('.result')).toBe(
      'Remote loads take 2.5 times as long as local ones: 250 ns against 100 ns, the medians of loads ' +
        'from 256 MiB.',
    )
    expect(await page.locator('svg.nodes text').allTextContents()).toEqual([
      ...['distance 24', 'loads: median 250 ns, best 248 ns'],
      ...['NUMA node 0 · local', '64 CPUs: 0-63', '128 GiB, 100 GiB free'],
      'loads: median 100 ns, best 98 ns',
      ...['NUMA node 2 · remote', 'no CPUs', '256 GiB, 255 GiB free'],
    ])
    expect(await page.locator('#latency .conditions li').allTextContents()).toEqual([
      'thread not pinned',
    ])
    expect(await page.locator('.banner').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('says what it cannot tell', async () => {
    const report = twoNodes()
    const results: [Partial<BenchReport>, RegExp][] = [
      [{ latencyModel: 'table-5-far' }, /^Modelled, not measured: .*table-5-far/],
      [{ nodes: report.nodes.slice(0, 1) }, /^This run had one NUMA node/],
      [{ backend: 'emulated' }, /^The emulated backend places nothing/],
      [{ machine: { ...report.machine, virtualMachine: 'QEMU TCG' } }, /its times mean nothing/],
      [{ experiments: {} }, /^Latency was not measured/],
      [{ machine: { ...report.machine, lastLevelCache: 2 ** 27 } }, /^Caches answered some of/],
      [{ interrupted: true }, /ended before all was measured\.$/],
    ]
    for (const [changes, result] of results) {
      const { page } = await open(here(), pageOf({ ...report, ...changes }))
      expect(await page.textContent('.result')).toMatch(result)
    }
  })

  it('gives back the JSON that it was made of', async () => {
    const report = hard()
    const { page, complaints } = await open(here(), pageOf(report, [HARD]))
    const download = page.waitForEvent('download')
    await page.click('#download')
    const file = await (await download).path()
    expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(report, null, 2)}\n`)
    expect(complaints.filter((line) => !line.startsWith('request: blob:'))).toEqual([])
  })
})

describe('figures', () => {
  it('of tables, of the charts’ tables and of tooltips are the report’s', async () => {
    const { report, rows } = queueReport()
    const { page, complaints } = await open(here(), pageOf(report))
    expect(await cells(page, 'The figures of queue')).toEqual(
      rows.map((row) =>
        expect.arrayContaining([row.variant, row.operation, row.meanMs.toFixed(2)]),
      ),
    )
    const means = await page
      .locator('#queue .table data')
      .evaluateAll((all) => all.map((each) => Number(each.getAttribute('value'))))
    for (const { meanMs, sdMs, nsPerOperation } of rows) {
      expect(means).toEqual(expect.arrayContaining([meanMs, sdMs, nsPerOperation].map(short)))
    }
    const chart = page.locator('#queue figure').first()
    await chart.locator('.plot').scrollIntoViewIfNeeded()
    const box = await chart.locator('.plot').boundingBox()
    await page.mouse.move((box?.x ?? 0) + 150, (box?.y ?? 0) + 150)
    const tooltip = chart.locator('.plot > div').nth(1)
    await expect.poll(() => tooltip.innerText()).toContain('enqueue')
    const [local, remote] = rows
    expect(await tooltip.innerText()).toBe(
      'enqueue\n' +
        `● local ${local?.meanMs} ms (42.57 to 47.57)\n● local, paper 503 ms (493.8 to 512.2)\n` +
        `● remote ${remote?.meanMs} ms (52.57 to 57.57)\n● remote, paper 567.2 ms (559.3 to 575.1)`,
    )
    expect(await chart.locator('[role=img]').getAttribute('aria-label')).toContain(
      'local, from 45.07 ms to 65.07 ms; local, paper, from 417.7 ms to 503 ms',
    )
    expect(complaints).toEqual([])
  })

  it('of charts that are hard to draw are all there', async () => {
    const { page, complaints } = await open(here(), pageOf(hard(), [HARD]))
    const figures = page.locator('#hard figure')
    expect(await figures.count()).toBe(CHARTS.length)
    for (const [i, { title, series }] of CHARTS.entries()) {
      const figure = figures.nth(i)
      expect(await figure.locator('h3').textContent()).toBe(title)
      const points = series.flatMap(({ points }) => points.flatMap(([, ...values]) => values))
      const wanted = points.filter((value): value is number => Number.isFinite(value))
      const shown = await figure
        .locator('data')
        .evaluateAll((all) => all.map((each) => Number(each.getAttribute('value'))))
      expect(shown, title).toEqual(expect.arrayContaining(wanted.map(short)))
      expect(await figure.locator('svg text').count()).toBeGreaterThan(wanted.length > 0 ? 3 : -1)
    }
    expect(complaints).toEqual([])
  })

  it('can be taken out of a chart, and put back, by keys', async () => {
    const { page } = await open(here(), pageOf(hard(), [HARD]))
    const chart = page.locator('#hard figure').first()
    const paths = () => chart.locator('.plot path[stroke="#c25400"]').count()
    const before = await paths()
    expect(before).toBeGreaterThan(0)
    const button = chart.getByRole('button', { name: 'remote' })
    await button.focus()
    await page.keyboard.press('Enter')
    expect([await paths(), await button.getAttribute('aria-pressed')]).toEqual([0, 'false'])
    await page.keyboard.press('Enter')
    expect(await paths()).toBe(before)
  })
})

describe('a file that means harm', () => {
  it('is shown as text, and runs nothing', async () => {
    const { page, complaints } = await open(here(), pageOf(hostile()))
    expect(await page.evaluate('globalThis.harmed')).toBeUndefined()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.textContent('h1')).toContain(HOSTILE)
    expect(await page.locator('.banner li').allTextContents()).toContain(HOSTILE)
    expect(await page.locator('h2').allTextContents()).toEqual([
      'The machine',
      ...['latency', 'queue', HOSTILE, 'from-the-future', 'broken'].map(
        (name) => `${name} ${HOSTILE}`,
      ),
    ])
    expect(await cells(page, 'The figures of from-the-future')).toEqual([
      ['remote', '3.250'],
      ['–', '–'],
    ])
    expect(complaints).toEqual([])
  })

  it('harms no chart', async () => {
    const names = { name: HOSTILE, unit: HOSTILE }
    const series = { name: HOSTILE, points: [[0, 1]] as const }
    const title = HOSTILE
    const chart = {
      title,
      kind: 'bar',
      x: { name: HOSTILE, categories: [HOSTILE] },
      y: names,
    } as const
    const report = hard([{ ...chart, series: [series], notes: [HOSTILE] }])
    const { page, complaints } = await open(here(), pageOf(report, [HARD]))
    const plot = page.locator('.plot').first()
    await plot.hover()
    await expect.poll(() => plot.innerText()).toContain('</script>')
    expect(await page.evaluate('globalThis.harmed')).toBeUndefined()
    expect(await page.locator('img').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('is met by a policy that lets nothing else run', async () => {
    const { page, complaints } = await open(here(), pageOf(twoNodes()))
    const added = `document.body.append(Object.assign(document.createElement('script'), { text: 'harmed = 1' }))`
    await page.evaluate(added)
    expect(await page.evaluate('globalThis.harmed')).toBeUndefined()
    expect(complaints).toEqual([expect.stringContaining('Content Security Policy')])
  })
})

describe('readers', () => {
  const made = () => pageOf(hard(), [HARD])

  it.each([
    ['light', LIGHT, 'rgb(255, 255, 255)', '#0b6bb5'],
    ['dark', DARK, 'rgb(17, 21, 26)', '#5aaeee'],
  ])('have it %s, as they like it', async (_, options, paper, line) => {
    const { page } = await open(here(), made(), options)
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(paper)
    expect(await page.locator(`.plot path[stroke="${line}"]`).count()).toBeGreaterThan(0)
    await page.emulateMedia({ colorScheme: options === DARK ? 'light' : 'dark' })
    await expect.poll(() => page.locator(`.plot path[stroke="${line}"]`).count()).toBe(0)
  })

  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('with a phone scroll down only, %s', async (_, javaScriptEnabled) => {
    for (const html of [made(), pageOf(hostile()), pageOf(queueReport().report)]) {
      const { page } = await open(here(), html, { ...PHONE, javaScriptEnabled })
      expect(await isWide(page)).toBe(false)
    }
  })

  it('without scripts have the tables in place of the charts', async () => {
    const { page, complaints } = await open(here(), made(), { javaScriptEnabled: false })
    expect(await page.locator('.plot:visible').count()).toBe(0)
    expect(await page.locator('figure table:visible').count()).toBe(CHARTS.length - 2)
    expect(await page.locator('#download:visible').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('of paper have the charts, as wide as the page and light', async () => {
    const { page, complaints } = await open(here(), made(), DARK)
    await page.emulateMedia({ media: 'print' })
    await expect.poll(() => page.locator('.plot path[stroke="#0b6bb5"]').count()).toBeGreaterThan(0)
    const [plot, svg] = [page.locator('.plot').first(), page.locator('.plot svg').first()]
    expect((await svg.boundingBox())?.width).toBeCloseTo((await plot.boundingBox())?.width ?? 0, 0)
    await page.emulateMedia({ media: 'screen' })
    const pdf = await page.pdf({ format: 'A4' })
    expect(pdf.byteLength).toBeGreaterThan(20_000)
    expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(2)
    expect(complaints).toEqual([])
  })

  it.each([
    ['light', LIGHT],
    ['dark', DARK],
  ])('who cannot see it are not left out: axe finds nothing, %s', async (_, options) => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    for (const html of [made(), pageOf(hostile())]) {
      const { page } = await open(here(), html, options)
      await page.evaluate(axe) // by the debugger, which no policy stops
      const found = (await page.evaluate('axe.run()')) as {
        violations: { id: string; nodes: { html: string }[] }[]
      }
      expect(found.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
    }
  })
})
