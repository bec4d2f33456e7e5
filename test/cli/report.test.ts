// `emucxl report`, and what `emucxl bench --html` writes: where the page is, and what is wrong with files.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseReport } from '../../bench/harness/saved.js'
import { builtPage } from '../page/browser.js'
import { hostile, twoNodes } from '../page/reports.js'
import { emucxl, MAIN } from './command.js'

const folder = mkdtempSync(join(tmpdir(), 'emucxl-report-'))
const at = (name: string) => join(folder, name)
const MB = 1e6

afterAll(() => rmSync(folder, { recursive: true }))

const QUICK = [
  ...['--backend', 'emulated', '--runs', '2', '--processes', '1'],
  ...['--count', '50', '--size', '1MiB'],
]

/** The way to each part of a value; of lists only to the first. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
    .filter(([name]) => !Array.isArray(value) || name === '0')
    .flatMap(([name, part]) => [[name], ...pathsOf(part).map((rest) => [name, ...rest])])
}

describe('emucxl report', () => {
  beforeAll(() => writeFileSync(at('saved.json'), JSON.stringify(twoNodes())))

  it('writes the page beside the report, and says where', async () => {
    const { code, stdout, stderr } = await emucxl(['report', at('saved.json')])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${pathToFileURL(at('saved.html'))}\n`,
      stderr: '',
    })
    expect(readFileSync(at('saved.html'), 'utf8')).toContain('Remote loads take 2.5 times as long')
  })

  it('reads stdin, and writes where it is told, from a relative path', () => {
    const words = [MAIN, 'report', '-', '--html', 'another page.html']
    const input = JSON.stringify(hostile())
    const options = { cwd: folder, input, encoding: 'utf8' } as const
    const { status, stdout } = spawnSync(process.execPath, words, options)
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `${pathToFileURL(at('another page.html'))}\n`,
    })
    expect(readFileSync(at('another page.html'), 'utf8')).not.toContain('<img')
  })

  it.each([
    [[], 'one FILE is needed, not 0'],
    [['a', 'b'], 'one FILE is needed, not 2'],
    [['-'], '--html FILE is needed where the report comes from stdin'],
    [['a', '--html='], '--html needs the name of a file'],
    [['a', '--html', './a'], '--html needs another file than the report'],
  ])('refuses the words %j', async (words, message) => {
    const { code, stderr } = await emucxl(['report', ...words])
    expect(code).toBe(2)
    expect(stderr).toBe(`emucxl: ${message}\nTry 'emucxl report --help'.\n`)
  })

  it.each([
    ['text', 'no JSON', /is no report: not JSON; save what emucxl bench --json prints\n$/],
    ['null', 'null', /is no report: save what/],
    ['list', '[]', /is no report: save what/],
    ['nodes', JSON.stringify({ ...twoNodes(), numaNodes: [null] }), /is no report: save what/],
  ])('refuses a file that is no report: %s', async (name, text, message) => {
    writeFileSync(at(name), text)
    const { code, stdout, stderr } = await emucxl(['report', at(name)])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toContain(at(name))
  })

  it('says that a file is not there', async () => {
    const { code, stderr } = await emucxl(['report', at('nowhere.json')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^emucxl: ENOENT: .*nowhere\.json' \[ENOENT\]\n$/)
  })

  it('takes nothing from a file that steers a terminal', () => {
    const report = { ...twoNodes(), date: '\u001b[2J\u0007\u009bm' }
    expect(parseReport(JSON.stringify(report), 'it').date).toBe(' [2J  m')
  })

  it('tells no latency of memory where caches answered', async () => {
    const { pageOf } = await builtPage()
    const report = twoNodes()
    expect(pageOf(report)).toContain('2.5 times as long')
    const machine = { ...report.machine, lastLevelCache: 2 ** 27 }
    const page = pageOf({ ...report, machine })
    expect(page).not.toContain('2.5 times as long')
    expect(page).toContain('256 MiB is less than 4 times the last-level cache')
  })

  it('says so where an experiment has no figures, and rows of a newer version as they came', async () => {
    const { pageOf } = await builtPage()
    const names = ['latency', 'bandwidth', 'alloc', 'migrate', 'access', 'queue', 'kv']
    const part = { description: '.', seconds: 1, processes: 1 }
    const page = (rows: object[]) =>
      pageOf({
        ...twoNodes(),
        experiments: Object.fromEntries(names.map((name) => [name, { ...part, rows }])),
      })
    const none = page([])
    expect(none.match(/>No figures\.</g)).toHaveLength(names.length)
    expect(none).not.toMatch(/Infinity to|undefined runs|by undefined/)
    expect(page([{ strange: 5 }])).toContain('shown as they came')
  })

  it('makes a page of whatever it takes for a report', async () => {
    const { pageOf } = await builtPage()
    const odd = [null, 'text', 5, true, [], {}, [null], { a: null }]
    const text = JSON.stringify(twoNodes())
    let pages = 0
    for (const path of pathsOf(JSON.parse(text))) {
      for (const value of odd) {
        const report = JSON.parse(text)
        const last = path.at(-1) as string
        path.slice(0, -1).reduce((part, name) => part[name], report)[last] = value
        const what = `${path.join('.')}: ${JSON.stringify(value)}`
        try {
          expect(pageOf(parseReport(JSON.stringify(report), 'it')), what).toContain('</html>')
          pages++
        } catch (error) {
          expect((error as Error).message, what).toMatch(/^it is no report: /)
        }
      }
    }
    expect(pages).toBeGreaterThan(100)
  })
})

describe('emucxl bench --html', () => {
  it('writes a page of less than a megabyte, with every experiment', async () => {
    const { code, stdout, stderr } = await emucxl([
      'bench',
      ...QUICK,
      '--json',
      '--html',
      at('all.html'),
    ])
    expect(code).toBe(0)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`Report: ${pathToFileURL(at('all.html'))}`)
    expect(statSync(at('all.html')).size).toBeLessThan(MB)
    const page = readFileSync(at('all.html'), 'utf8')
    for (const name of Object.keys(JSON.parse(stdout).experiments)) {
      expect(page).toContain(`<section id="${name}"`)
    }
  })

  it('writes what was measured until Ctrl-C', async () => {
    const args = ['latency', 'queue', '--backend', 'emulated', '--runs', '20', '--size', '64KiB']
    const words = ['--processes', '1', '--count', '100000', '--html', at('ended.html')]
    const { code, stderr } = await emucxl(['bench', ...args, ...words], {
      watch: (child, _, errors) => {
        if (errors.endsWith('queue … ')) child.kill('SIGINT')
      },
    })
    expect(code).toBe(130)
    expect(stderr).toMatch(/^latency … \d+\.\d s\nqueue … \nReport: /)
    expect(stderr).toContain(pathToFileURL(at('ended.html')).href)
    expect(readFileSync(at('ended.html'), 'utf8')).toContain('ended before all was measured')
  })
})
