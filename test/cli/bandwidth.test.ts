// The experiment `bandwidth`: what it sweeps over, and what it does without huge pages, without time, with
// wrong results, and with pages astray.

import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type BandwidthRow, localShareOf, RATIOS } from '../../bench/bandwidth/row.js'
import { cellsOf } from '../../bench/bandwidth/sweeps.js'
import { bandwidth } from '../../bench/bandwidth.js'
import { allowedCpus } from '../../bench/harness/cpus.js'
import { measured } from '../../bench/harness/measured.js'
import { render } from '../../lib/cli/table.js'
import { addon, type NativeSweep } from '../../lib/memory/addon.js'
import { numaNode, watched } from './watched.js'

const SMALL = { runs: 2, size: 2 ** 18 }

/** Lets each sweep tell what it has not found. */
function sweepsTell(changes: Partial<NativeSweep>) {
  const { sweep } = addon
  const spy = vi.spyOn(addon, 'sweep')
  spy.mockImplementation((...args) => ({ ...sweep(...args), ...changes }))
  onTestFinished(() => void spy.mockRestore())
  return spy
}

const rowsOf = async (context: Parameters<typeof bandwidth.run>[0]) =>
  (await bandwidth.run(context)).rows as BandwidthRow[]

describe('the matrix', () => {
  it('has each kernel by threads up to all CPUs, on both nodes, and reads by all of each mix', () => {
    const cells = cellsOf(6)
    const reads = cells.filter(({ kernel, node }) => kernel === 'read' && node !== 'interleaved')
    expect(reads.map(({ threads, node }) => `${threads} ${node}`)).toEqual([
      ...['1 local', '1 remote', '2 local', '2 remote'],
      ...['4 local', '4 remote', '6 local', '6 remote'],
    ])
    const mixes = cells.filter(({ node }) => node === 'interleaved')
    expect(mixes.map(({ ratio }) => ratio)).toEqual(RATIOS)
    expect(mixes.every(({ threads }) => threads === 6)).toBe(true)
    expect(cells.length).toBe(4 * 4 * 2 + RATIOS.length)
  })

  it('uses CPUs of the local node that the process may use, and memory of about one size', async () => {
    const [first, second] = allowedCpus()
    const topology = [
      numaNode(0, [first as number]),
      numaNode(1, second === undefined ? [] : [second]),
    ]
    const spy = sweepsTell({})
    const context = watched(SMALL, { topology })
    const rows = await rowsOf(context)
    expect(new Set(spy.mock.calls.map(([, , , cpus]) => JSON.stringify(cpus)))).toEqual(
      new Set([`[${first}]`]),
    )
    expect(new Set(rows.map(({ threads }) => threads))).toEqual(new Set([1]))
    for (const { blockBytes } of rows) {
      expect(blockBytes).toBeGreaterThan(0.9 * 2 ** 18)
      expect(blockBytes).toBeLessThanOrEqual(2 ** 18)
    }
    expect(context.conditions).toEqual([])
  })

  it('goes over local and remote memory in turns, the other way round in fresh blocks', async () => {
    const spy = sweepsTell({})
    const context = watched(SMALL, { topology: [numaNode(0, allowedCpus().slice(0, 1))] })
    await rowsOf(context)
    // The first five only find out how long a sweep takes.
    const single = spy.mock.calls.slice(5).filter(([, , weights]) => weights.length === 1)
    const blocks = single.map(([, operands]) => (operands.flat()[0] as Uint8Array).buffer)
    const reads = single.flatMap(([kernel], i) => (kernel === 'read' ? [blocks[i]] : []))
    expect(reads.length).toBe(4)
    expect(new Set(reads).size).toBe(4)
    expect(single.map(([kernel]) => kernel).slice(0, 2)).toEqual(['read', 'read'])
    expect(single.map(([kernel]) => kernel).slice(-2)).toEqual(['read', 'read'])
  })

  it('throws where a sweep was wrong, and leaves no memory behind', async () => {
    sweepsTell({ valid: false })
    const context = watched(SMALL)
    await expect(bandwidth.run(context)).rejects.toThrow(/^bandwidth: read by 1 threads has left/)
    expect(context.cxl.mappings()).toEqual([])
  })

  it('refuses pages astray, and leaves no memory behind', async () => {
    const context = watched(SMALL)
    const elsewhere = { pageSize: 4096, nodes: { 0: 7 }, untouched: 1 }
    vi.spyOn(context.cxl, 'where').mockReturnValue(elsewhere)
    await expect(bandwidth.run(context)).rejects.toThrow('1 without memory')
    expect(context.cxl.mappings()).toEqual([])
  })

  it('says where threads could not be pinned, where the caches are not known, and of small operands', async () => {
    sweepsTell({ pinned: false })
    const unknown = watched(SMALL, { lastLevelCache: 0 })
    await bandwidth.run(unknown)
    expect(unknown.conditions).toContain('bandwidth: threads not pinned')
    expect(unknown.conditions).toContainEqual(expect.stringContaining('caches unknown'))
    const large = watched(SMALL, { lastLevelCache: 2 ** 20 })
    await bandwidth.run(large)
    expect(large.conditions).toContainEqual(
      expect.stringMatching(/^bandwidth: operands of 256 KiB, less than 4 times/),
    )
  })

  it('counts the caches of all CPUs that work', async () => {
    const context = watched(SMALL, { countCaches: () => 2 })
    await bandwidth.run(context)
    expect(context.conditions).toContainEqual(expect.stringContaining('less than 4 times'))
    const free = watched({ runs: 1 }, { lastLevelCache: 2 ** 22, countCaches: () => 3 })
    expect((await rowsOf(free))[0]?.blockBytes).toBe(4 * 3 * 2 ** 22)
  })

  it('takes small pages where there are no huge ones, and says so', async () => {
    const context = watched(SMALL)
    const alloc = context.cxl.alloc.bind(context.cxl)
    vi.spyOn(context.cxl, 'alloc').mockImplementation(((
      size: number,
      node: number,
      options: object,
    ) => alloc(size, node, { ...options, hugePages: 'off' })) as never)
    expect((await rowsOf(context)).every(({ pageBytes }) => pageBytes === 4096)).toBe(true)
    expect(context.conditions).toContainEqual(expect.stringMatching(/^bandwidth: no huge pages/))
  })
})

describe('time', () => {
  /** A context on whose clock a sweep takes as long as it has bytes and passes. */
  function slow(shareOfMebibyte: number) {
    let gone = 0
    const { sweep } = addon
    const spy = vi.spyOn(addon, 'sweep')
    spy.mockImplementation((kernel, blocks, weights, cpus, passes) => {
      const bytes = blocks.flat().reduce((sum, { byteLength }) => sum + byteLength, 0)
      gone += (shareOfMebibyte * bytes * (9 + passes)) / 10 / 2 ** 20
      return sweep(kernel, blocks, weights, cpus, passes)
    })
    onTestFinished(() => void spy.mockRestore())
    const timeGone = () => Math.min(1, gone)
    const topology = [numaNode(0, allowedCpus().slice(0, 1))]
    return watched({ size: 2 ** 22 }, { timeGone, timeIsUp: () => gone >= 1, topology })
  }
  const MIB_OF_THE_MATRIX = 4 * (2 * (1 + 1 + 2 + 3) + RATIOS.length)

  it('makes passes fewer where it is short', async () => {
    const context = slow(0.47 / MIB_OF_THE_MATRIX)
    const rows = await rowsOf(context)
    expect(rows.map(({ blockBytes }) => blockBytes)).toContain(2 ** 22)
    const samples = new Set(rows.map((row) => row.samples))
    expect(samples.size).toBe(1)
    expect(Math.max(...samples)).toBeLessThan(5)
    expect(context.conditions).toEqual([
      expect.stringMatching(/^bandwidth: time was up after [1-4] of 20/),
    ])
  })

  it('makes operands smaller where it is shorter', async () => {
    const context = slow(2 / MIB_OF_THE_MATRIX)
    const rows = await rowsOf(context)
    expect(Math.max(...rows.map(({ blockBytes }) => blockBytes))).toBe(2 ** 20)
    expect(rows.every(({ samples }) => samples >= 1)).toBe(true)
    expect(context.done.at(-1)).toBe(1)
    expect(context.cxl.mappings()).toEqual([])
  })
})

const PLACES = { local: 0, remote: 2, interleaved: null }

/** Rows of 64 threads, whose figures say which they are. */
function rowsBy(blockBytes: number, scale = 1, places = PLACES, samples = 5): BandwidthRow[] {
  return cellsOf(64).map(({ kernel, threads, node, ratio }) => {
    const localShare = localShareOf(ratio)
    const figure = scale * threads * (node === 'interleaved' ? 2 - Math.abs(localShare - 0.6) : 1)
    return {
      ...{ kernel, threads, node, numaNode: places[node], localShare, blockBytes },
      ...{ pageBytes: 2 ** 21, ...measured('GB/s', [Array(samples).fill(figure)]) },
    }
  })
}

describe('what was found', () => {
  it('is printed in 80 columns: best, medians, and the best mix', () => {
    const tables = bandwidth.tables({ rows: rowsBy(2 ** 27) })
    const text = tables.map((table) => render(table, 80)).join('\n')
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(tables.map(({ rows }) => rows.length)).toEqual([14, 14, 2])
    expect(text).toContain('A variant of STREAM')
    expect(text.replace(/\s+/g, ' ')).toContain(
      'The best mix, by the median, is 2:1: 1.21 times 1:0.',
    )
  })

  it('has no best mix where both nodes are one, or passes are few', () => {
    const note = (rows: BandwidthRow[]) => bandwidth.tables({ rows })[2]?.notes[0]
    const one = { ...PLACES, remote: 0 }
    expect(note(rowsBy(2 ** 27, 1, one))).toMatch(/^Both are one NUMA node here/)
    const few = 'Which mix is best takes 5 passes of each; here are 4.'
    expect(note(rowsBy(2 ** 27, 1, PLACES, 4))).toBe(few)
  })

  it('is that of the largest operands where a process took smaller ones', () => {
    const rows = [...rowsBy(2 ** 20, 1000), ...rowsBy(2 ** 27)]
    expect(bandwidth.tables({ rows })).toEqual(bandwidth.tables({ rows: rowsBy(2 ** 27) }))
    expect(bandwidth.charts?.({ rows })).toEqual(bandwidth.charts?.({ rows: rowsBy(2 ** 27) }))
  })

  it('is drawn: by threads for each kernel, and by mix', () => {
    const charts = bandwidth.charts?.({ rows: rowsBy(2 ** 27) }) ?? []
    expect(charts.map(({ series }) => series.map(({ name }) => name))).toEqual([
      ...[...Array(4)].map(() => ['local', 'remote']),
      ['median', 'best'],
    ])
    expect(charts[0]?.series[0]?.points.map(([x]) => x)).toEqual([1, 2, 4, 8, 16, 32, 64])
    expect(charts[4]?.series[0]?.points[0]).toEqual([100, expect.closeTo(64 * 1.6)])
  })
})
