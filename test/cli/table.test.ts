// Layout of tables, paragraphs, sizes and progress.

import { describe, expect, it, vi } from 'vitest'
import { EXPERIMENTS } from '../../bench/experiments.js'
import { summarize } from '../../bench/harness/statistics.js'
import { Progress } from '../../lib/cli/progress.js'
import { figure, render, widthOf, wrap } from '../../lib/cli/table.js'
import { bytesText, listText } from '../../lib/cli/units.js'

describe('tables', () => {
  it('align words to the left and figures to the right, under heads and units', () => {
    const text = render(
      {
        columns: [
          { head: 'node' },
          { head: 'median', unit: 'ns/load', digits: 1 },
          { head: 'loads', digits: 0 },
        ],
        rows: [
          ['local', 101.25, 1_500_000],
          ['remote', undefined, 7],
        ],
        notes: ['One sentence that is longer than the table is wide.'],
      },
      32,
    )
    expect(text).toBe(
      [
        '  node     median      loads',
        '          ns/load',
        '  local     101.3  1,500,000',
        '  remote        –          7',
        '  One sentence that is longer',
        '  than the table is wide.',
        '',
      ].join('\n'),
    )
  })

  it('are 80 columns wide where stdout is no terminal, 100 at most where it is', () => {
    expect(widthOf({})).toBe(80)
    expect(widthOf({ columns: 60 })).toBe(60)
    expect(widthOf({ columns: 250 })).toBe(100)
  })

  it('of every experiment can be made of no rows', () => {
    for (const experiment of EXPERIMENTS) {
      // Some have a line for each of several figures of a row.
      const cells = experiment
        .tables({ rows: [] })
        .flatMap(({ rows }) => rows.map((row) => row.slice(1)))
      expect(cells.flat()).toEqual([])
    }
  })
})

describe('text', () => {
  it('is broken at spaces, and hangs', () => {
    expect(wrap('one two three four', 10, '   ', '- ')).toBe('- one two\n   three\n   four')
  })

  it('leaves a word whole that is too long', () => {
    expect(wrap('a /very/long/path b', 8)).toBe('a\n/very/long/path\nb')
  })

  it('has figures with separators', () => {
    expect(figure(15000)).toBe('15,000')
    expect(figure(502.984, 2)).toBe('502.98')
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [4096, '4 KiB'],
    [1.5 * 2 ** 20, '1.5 MiB'],
    [25276514304, '23.5 GiB'],
    [2 ** 53 - 1, '8 PiB'],
  ])('has sizes: %d is %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })

  it.each([
    [[], ''],
    [[3], '3'],
    [[0, 1, 2, 5, 7, 8], '0-2,5,7-8'],
  ])('has lists: %j is %j', (numbers, text) => {
    expect(listText(numbers)).toBe(text)
  })
})

describe('statistics', () => {
  it('tell best, median, mean, p99 and standard deviation', () => {
    expect(summarize([4, 1, 3, 2])).toEqual({
      best: 1,
      median: 2.5,
      mean: 2.5,
      p99: 4,
      sd: Math.sqrt(5 / 3),
    })
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(summarize(hundred)).toMatchObject({ best: 1, median: 50.5, p99: 99 })
    expect(summarize([7])).toEqual({ best: 7, median: 7, mean: 7, p99: 7, sd: 0 })
  })
})

describe('progress', () => {
  function stream(isTTY: boolean) {
    const written: string[] = []
    const write = (text: string) => written.push(text)
    return { written, progress: new Progress({ isTTY, write } as unknown as NodeJS.WriteStream) }
  }

  it('is one line that changes on a terminal, and goes at the end', () => {
    const { written, progress } = stream(true)
    progress.start('copy')
    progress.update(0.5) // too soon after the line before: not drawn
    progress.end()
    expect(written).toEqual([`\r\x1b[Kcopy  ${'░'.repeat(20)}   0 %  0.0 s`, '\r\x1b[K'])
  })

  it.each([
    [0.4, ''],
    [12.2, ', at most 13 s left'],
    [90, ', at most 2 min left'],
  ])('tells of %d s that are left', (left, text) => {
    const { written, progress } = stream(true)
    progress.start('copy')
    vi.spyOn(performance, 'now').mockReturnValue(Number.POSITIVE_INFINITY)
    progress.update(0.5, left)
    vi.restoreAllMocks()
    expect(written.at(-1)).toMatch(new RegExp(`^\r\x1b\\[Kcopy  █{10}░{10}  50 %  .* s${text}$`))
  })

  it('is a line for each part elsewhere', () => {
    const { written, progress } = stream(false)
    progress.start('copy')
    progress.update(0.5)
    progress.end()
    expect(written).toEqual(['copy … ', '0.0 s\n'])
  })

  it('leaves a line of its own to what is said about a failure', () => {
    const { written, progress } = stream(false)
    progress.start('copy')
    progress.leave()
    progress.leave()
    expect(written).toEqual(['copy … ', '\n'])
  })
})
