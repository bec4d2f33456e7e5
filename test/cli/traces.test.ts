// `emucxl bench kv` on traces: its report, its tables, its picture, and files that it refuses.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { BenchReport } from '../../bench/harness/report.js'
import type { KvTraceRow } from '../../bench/kv/replay.js'
import { emucxl } from './command.js'

const KV = ['bench', 'kv', '--backend', 'emulated']
const QUICK = [...KV, '--count', '500', '--policies', 'lru']

const folder = mkdtempSync(join(tmpdir(), 'emucxl-traces-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, contents: string): string {
  const path = join(folder, name)
  writeFileSync(path, contents)
  return path
}

async function report(...args: string[]) {
  const { code, stdout, stderr } = await emucxl([...args, '--json'])
  expect(code, stderr).toBe(0)
  const { conditions, experiments } = JSON.parse(stdout) as BenchReport
  return {
    conditions,
    ...(experiments['kv'] as unknown as { rows: object[]; traces: KvTraceRow[] }),
  }
}

const count = expect.toSatisfy((n: unknown) => Number.isInteger(n) && (n as number) >= 0)
const positive = expect.toSatisfy((n: unknown) => typeof n === 'number' && n > 0 && n < 1e6)

const TEXT = file('some <odd> name.txt', `${'a\nb\nc\na\n'.repeat(50)}`)

describe('the JSON report', () => {
  it('has a row for each trace, size of local memory, and policy, beside those of Table IV', async () => {
    const { rows, traces } = await report(...QUICK, '--seed', '7')
    expect(rows).toHaveLength(10 * 2)
    const names = ['zipf 0.6', 'zipf 0.8', 'zipf 1.0', 'zipf 1.2', 'scan', 'loop', 'shift']
    const keys = names.flatMap((trace) =>
      [5, 10, 20, 40].flatMap((share) => ['lru', 'min'].map((policy) => [trace, share, policy, 7])),
    )
    const found = traces.map((row) => [row.trace, row.localSharePercent, row.policy, row.seed])
    expect(found).toEqual(keys)
    expect(traces[0]).toEqual({
      trace: 'zipf 0.6',
      seed: 7,
      localSharePercent: 5,
      localBytes: count,
      objects: count,
      policy: 'lru',
      reads: 500,
      localHits: count,
      remoteHits: count,
      firsts: count,
      localPercent: positive,
      promotions: count,
      demotions: count,
      bytesMoved: count,
      modelledNearNsPerRead: positive,
      modelledFarNsPerRead: positive,
    })
    const unknown = { promotions: null, demotions: null, bytesMoved: null }
    expect(traces[1]).toMatchObject({ policy: 'min', ...unknown, modelledFarNsPerRead: null })
  })

  it('has the files instead, where there are some, and says how far they were read', async () => {
    const other = file('other', 'x\ny\n'.repeat(20))
    const args = [...KV, '--policies', 'lru', '--count', '60', '--trace', TEXT, '--trace', other]
    const { traces, conditions } = await report(...args, '--trace', other)
    expect([...new Set(traces.map(({ trace }) => trace))]).toEqual(['some <odd> name.txt', 'other'])
    expect(traces[0]).toMatchObject({ seed: null, reads: 60, objects: 3, firsts: 3 })
    expect(traces[8]).toMatchObject({ seed: null, reads: 40, objects: 2, firsts: 2 })
    const read = conditions.filter((line) => line.startsWith('kv: '))
    expect(read).toEqual(['kv: of some <odd> name.txt only the first 60 requests were read'])
  })
})

describe('the tables', () => {
  it('stand in 80 columns, and call modelled what is', async () => {
    const { stdout } = await emucxl([...QUICK, '--policies', 'lru,adaptive'])
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(stdout).toMatch(/^ {2}policy +zipf +zipf +zipf +zipf +scan +loop +shift$/m)
    expect(stdout).toMatch(/^ {2}Modelled nanoseconds for a read/m)
    expect(stdout).toMatch(/^ {2}At most -?\d+\.\d: /m)
  })

  it('of a file tell each size of local memory', async () => {
    const { stdout } = await emucxl([...QUICK, '--trace', TEXT])
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(stdout).toMatch(/^ {2}policy +5 % +10 % +20 % +40 % +5 % +10 % +20 % +40 %$/m)
    expect(stdout.replace(/\s+/g, ' ')).toContain('and modelled nanoseconds for a read.')
    expect(stdout).not.toContain('zipf')
  })
})

/** The elements of an XML document, by name; throws where one is not closed, or an attribute not quoted. */
function elements(xml: string): string[] {
  const open: string[] = []
  const all: string[] = []
  const tag = /<(\/?)([\w:]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|(<)/g
  for (const [, closing, name = '', , empty, text, stray] of xml
    .replace(/<!\[CDATA\[.*?\]\]>/gs, '')
    .matchAll(tag)) {
    if (stray !== undefined) throw new Error(`a stray < in ${xml.slice(0, 200)}`)
    if (text !== undefined) {
      if (/&(?!(amp|lt|gt|quot|#\d+);)/.test(text)) throw new Error(`a stray & in ${text}`)
    } else if (closing) {
      if (open.pop() !== name) throw new Error(`${name} is closed, and not open`)
    } else {
      all.push(name)
      if (!empty) open.push(name)
    }
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join()}`)
  return all
}

describe('the picture', () => {
  it('is an SVG with a panel for each trace, its conditions, and words for who cannot see it', async () => {
    const path = join(folder, 'picture.svg')
    const { code } = await emucxl([...QUICK, '--svg', path])
    expect(code).toBe(0)
    const svg = readFileSync(path, 'utf8')
    expect(elements(svg).slice(0, 3)).toEqual(['svg', 'title', 'desc'])
    expect(svg).toMatch(/^<svg [^>]* role="img" aria-labelledby="title desc">/)
    for (const name of ['zipf 0.6', 'scan', 'loop', 'shift', 'lru', 'min']) {
      expect(svg).toContain(`>${name}</text>`)
    }
    expect(svg).toContain('>! emulated: not a CXL measurement</text>')
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(svg).not.toMatch(/<script|<image|href="http|NaN|undefined/)
  })

  it('tells the name of a file as it is', async () => {
    const path = join(folder, 'file.svg')
    await emucxl([...QUICK, '--trace', TEXT, '--svg', path])
    const svg = readFileSync(path, 'utf8')
    expect(elements(svg)[0]).toBe('svg')
    expect(svg).toContain('>some &lt;odd&gt; name.txt</text>')
  })

  it('that cannot be written is an error at once', async () => {
    const path = join(folder, 'none/picture.svg')
    const { code, stdout, stderr } = await emucxl([...QUICK, '--svg', path])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^emucxl: ENOENT: .*none\/picture\.svg' \[ENOENT\]\n$/)
    expect(existsSync(path)).toBe(false)
  })
})

describe('wrong words and files', () => {
  it.each([
    [
      ['queue', '--trace', TEXT],
      /^emucxl: --trace is for kv, which is not among the experiments\n/,
    ],
    [['queue', '--svg', 'x.svg'], /^emucxl: --svg is for kv/],
    [['kv', '--trace='], /^emucxl: --trace needs the name of a file\n/],
    [
      ['kv', '--csv', 'x', '--compare', './x'],
      /^emucxl: --csv and --compare need different files\n/,
    ],
    [['kv', '--trace'], /^emucxl: .*--trace/],
  ])('%j is wrong usage', async (words, message) => {
    const { code, stdout, stderr } = await emucxl(['bench', ...words])
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr).toContain("Try 'emucxl bench --help'.")
  })

  it('a file that is no trace is a failure that names it', async () => {
    const bad = file('bad.csv', '1,2\n')
    const { code, stderr } = await emucxl([...QUICK, '--trace', TEXT, '--trace', bad])
    expect(code).toBe(1)
    expect(stderr).toContain(`\nemucxl: --trace ${bad}: line 1 has several fields`)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  it('the help tells of them', async () => {
    const { stdout } = await emucxl(['bench', '--help'])
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(stdout).toMatch(/^ {2}--trace FILE .*\n(.*\n)*.*oracleGeneral/m)
    expect(stdout).toMatch(/^ {2}--svg FILE /m)
  })
})

it('Ctrl-C ends a replay', async () => {
  const args = [...KV, '--policies', 'policy2', '--count', '100000000']
  const big = file('big', '1\n2\n'.repeat(2_000_000))
  const { code, signal } = await emucxl([...args, '--trace', big], {
    watch: (child, _, errors) => {
      if (errors.includes('kv …')) setTimeout(() => child.kill('SIGINT'), 1500)
    },
  })
  expect({ code, signal }).toEqual({ code: 130, signal: null })
})
