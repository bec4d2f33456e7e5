// The experiment `latency`: what it pins to, in which order it takes samples, and what it does without
// huge pages, without time, and with pages astray.

import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { allowedCpus, countCaches, cpuNodes, threadCounts } from '../../bench/harness/cpus.js'
import { measured } from '../../bench/harness/measured.js'
import type { LatencyRow } from '../../bench/latency/row.js'
import { workingSets } from '../../bench/latency/sets.js'
import { latency } from '../../bench/latency.js'
import { render } from '../../lib/cli/table.js'
import { addon } from '../../lib/memory/addon.js'
import { layOut } from './layout.js'
import { numaNode, type Watched, watched } from './watched.js'

const KIB = 1024
const SMALL = { runs: 2, size: 128 * KIB }

/** Makes `alloc` give what it gives where the kernel has no huge pages. */
function withoutHugePages({ cxl }: Watched): void {
  const alloc = cxl.alloc.bind(cxl)
  vi.spyOn(cxl, 'alloc').mockImplementation(((size: number, node: number, options: object) =>
    alloc(size, node, { ...options, hugePages: 'off' })) as never)
}

describe('the CPUs', () => {
  const { cxl } = { cxl: { nodes: [{ numaNode: 4 }] } } as unknown as Watched
  const far = { 4: 20, 2: 30, 9: 40 }

  it('are those of each node with CPUs that the process may use, nearest to local memory first', () => {
    const topology = [
      numaNode(2, [0, 1], { 4: 30 }),
      numaNode(4, [2, 3, 4], { 4: 10 }),
      numaNode(7, [], far), // an expander
      numaNode(9, [5, 6], { 4: 20 }),
      numaNode(11, [7], far), // forbidden by the cpuset
    ]
    expect(cpuNodes({ cxl, topology, allowed: [1, 3, 4, 5, 6] })).toEqual([
      { numaNode: 4, cpus: [3, 4] },
      { numaNode: 9, cpus: [5, 6] },
      { numaNode: 2, cpus: [1] },
    ])
  })

  it('begin with the nearest where the local memory has none', () => {
    const topology = [
      numaNode(0, [0], { 4: 30 }),
      numaNode(1, [1], { 4: 20 }),
      numaNode(4, [], { 4: 10 }),
    ]
    expect(cpuNodes({ cxl, topology, allowed: [0, 1] })[0]).toEqual({ numaNode: 1, cpus: [1] })
  })

  it('are all that may be used where the topology tells nothing, and any where nothing does', () => {
    expect(cpuNodes({ cxl, topology: [], allowed: [3, 5] })).toEqual([
      { numaNode: 4, cpus: [3, 5] },
    ])
    expect(cpuNodes({ cxl, topology: [], allowed: [] })).toEqual([{ numaNode: 4, cpus: [-1] }])
    expect(allowedCpus('/nonexistent')).toEqual([])
  })

  it('are one of each core before a second of any', () => {
    const siblings = (cpu: number, cpus: string) => ({
      [`sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`]: `${cpus}\n`,
    })
    const status = { 'proc/self/status': 'Cpus_allowed_list:\t0-3,5-7\n' }
    const beside = layOut(
      status,
      ...[0, 1, 2, 3, 5, 6, 7].map((cpu) =>
        siblings(cpu, cpu < 4 ? (cpu < 2 ? '0-1' : '2-3') : cpu < 6 ? '4-5' : '6-7'),
      ),
    )
    expect(allowedCpus(beside)).toEqual([0, 2, 5, 6, 1, 3, 7])
    const apart = layOut(
      status,
      ...[0, 1, 2, 3].flatMap((cpu) => [
        siblings(cpu, `${cpu},${cpu + 4}`),
        siblings(cpu + 4, `${cpu},${cpu + 4}`),
      ]),
    )
    expect(allowedCpus(apart)).toEqual([0, 1, 2, 3, 5, 6, 7])
    expect(allowedCpus(layOut(status))).toEqual([0, 1, 2, 3, 5, 6, 7])
  })

  it('keep that order within a node', () => {
    const topology = [numaNode(4, [0, 1, 2, 3])]
    const [first] = cpuNodes({ cxl, topology, allowed: [0, 2, 1, 3] })
    expect(first.cpus).toEqual([0, 2, 1, 3])
  })

  it('have a last-level cache for each few of them, or one', () => {
    const cache = (cpu: number, level: number, cpus: string) => {
      const folder = `sys/devices/system/cpu/cpu${cpu}/cache/index${level}`
      return { [`${folder}/level`]: `${level}\n`, [`${folder}/shared_cpu_list`]: `${cpus}\n` }
    }
    const l3 = ['0-1', '0-1', '2-3', '2-3']
    const root = layOut(...l3.map((cpus, i) => ({ ...cache(i, 2, `${i}`), ...cache(i, 3, cpus) })))
    expect(countCaches([0, 1], root)).toBe(1)
    expect(countCaches([1, 2, 3], root)).toBe(2)
    expect(countCaches([8, -1], root)).toBe(1)
  })

  it('work in numbers that double, up to all', () => {
    expect(threadCounts(1, 1)).toEqual([1])
    expect(threadCounts(1, 6)).toEqual([1, 2, 4, 6])
    expect(threadCounts(0, 0)).toEqual([0])
    expect(threadCounts(0, 1)).toEqual([0, 1])
    expect(threadCounts(0, 8)).toEqual([0, 1, 2, 4, 8])
  })
})

describe('the working sets', () => {
  const last = (settings: object, changes: object = {}) =>
    workingSets(watched(settings, { memoryOfEach: 2 ** 40, ...changes })).at(-1)

  it('are powers of two from 32 KiB to eight times the last-level cache, four where it is quick', () => {
    const sets = workingSets(watched({}, { lastLevelCache: 2 ** 17 }))
    expect(sets).toEqual([15, 16, 17, 18, 19, 20].map((power) => 2 ** power))
    expect(last({ quick: true }, { lastLevelCache: 2 ** 17 })).toBe(2 ** 19)
    expect(last({}, { lastLevelCache: 36 * 2 ** 20 })).toBe(512 * 2 ** 20)
  })

  it('end where memory does, or the user says', () => {
    expect(last({}, { lastLevelCache: 2 ** 25, memoryOfEach: 300 * 2 ** 20 })).toBe(2 ** 26)
    expect(last({ size: 100_000 })).toBe(99_968)
    expect(workingSets(watched({ size: 1000 }))).toEqual([960])
  })
})

describe('the matrix', () => {
  const [first, second] = allowedCpus()

  it.skipIf(second === undefined)(
    'has a row for each CPU node, memory node, set and page size',
    async () => {
      const topology = [
        numaNode(0, [first as number]),
        numaNode(3, [second as number]),
        numaNode(5, []),
      ]
      const context = watched(SMALL, { topology, lastLevelCache: 2 ** 15 })
      const rows = (await latency.run(context)).rows as LatencyRow[]
      const idle = rows.filter(({ kind, pageBytes }) => kind === 'idle' && pageBytes === 4096)
      expect(idle.map((row) => [row.workingSetBytes / KIB, row.cpuNode, row.node])).toEqual(
        [32, 64, 128].flatMap((set) =>
          [0, 3].flatMap((cpuNode) => [
            [set, cpuNode, 'local'],
            [set, cpuNode, 'remote'],
          ]),
        ),
      )
      const loaded = rows.filter(({ kind }) => kind === 'loaded')
      expect(loaded.map(({ cpuNode, threads, node }) => [cpuNode, threads, node])).toEqual([
        [0, 0, 'local'],
        [0, 0, 'remote'],
      ])
      expect(context.conditions).toContainEqual(expect.stringContaining('no second CPU'))
    },
  )

  it('takes samples of local and remote memory in turns, now the one first and now the other', async () => {
    const topology = [numaNode(0, allowedCpus().slice(0, 1))]
    const context = watched({ runs: 3, size: 2 ** 15 }, { topology })
    withoutHugePages(context)
    const sampled: number[] = []
    const linked = new Set<unknown>()
    const { chase } = addon
    const spy = vi.spyOn(addon, 'chase')
    spy.mockImplementation((set, loads, samples, seed, cpu) => {
      if (seed !== 0) linked.add((set as Uint8Array).buffer)
      else if (loads === 100_000) sampled.push(context.cxl.nodeOf(set as Uint8Array))
      return chase(set, loads, samples, seed, cpu)
    })
    onTestFinished(() => void spy.mockRestore())
    await latency.run(context)
    // Three rounds of one sample each, idle, and then under load, though of no thread.
    expect(sampled).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0])
    expect(linked.size).toBe(12)
  })

  it('measures small pages alone where there are no huge ones, and says so', async () => {
    const context = watched(SMALL)
    withoutHugePages(context)
    const { rows } = await latency.run(context)
    expect(new Set((rows as LatencyRow[]).map(({ pageBytes }) => pageBytes))).toEqual(
      new Set([4096]),
    )
    expect(context.conditions).toContainEqual(expect.stringMatching(/^latency: no huge pages/))
  })

  it('goes on with small pages where huge ones have run out', async () => {
    const context = watched(SMALL)
    const alloc = context.cxl.alloc.bind(context.cxl)
    let probes = context.cxl.nodes.length
    vi.spyOn(context.cxl, 'alloc').mockImplementation(((
      size: number,
      node: number,
      options: object,
    ) => alloc(size, node, probes-- > 0 ? options : { ...options, hugePages: 'off' })) as never)
    const { rows } = await latency.run(context)
    const loaded = (rows as LatencyRow[]).filter(({ kind }) => kind === 'loaded')
    expect(loaded.length).toBeGreaterThan(0)
    for (const { workingSetBytes, pageBytes } of loaded) {
      expect({ workingSetBytes, pageBytes }).toEqual({
        workingSetBytes: SMALL.size,
        pageBytes: 4096,
      })
    }
  })

  it('refuses pages astray, and leaves no memory behind', async () => {
    const context = watched(SMALL)
    vi.spyOn(context.cxl, 'where').mockReturnValue({
      pageSize: 4096,
      nodes: { 0: 7 },
      untouched: 1,
    })
    await expect(latency.run(context)).rejects.toThrow('1 without memory')
    expect(context.cxl.mappings()).toEqual([])
  })

  it('says where caches of several CPUs hold what they read under load', async () => {
    const [first, second] = allowedCpus()
    if (first === undefined || second === undefined) return
    const topology = [numaNode(0, [first, second])]
    const said = async (count: number) => {
      const context = watched({ ...SMALL, size: 2 ** 18 }, { topology, countCaches: () => count })
      await latency.run(context)
      return context.conditions.some((line) => line.includes('all last-level caches together'))
    }
    expect([await said(1), await said(2)]).toEqual([false, true])
  })

  it('says where a thread could not be pinned', async () => {
    const context = watched(SMALL, { topology: [] })
    const { chase } = addon
    const spy = vi.spyOn(addon, 'chase')
    spy.mockImplementation((...args) => ({ ...chase(...args), pinned: false }))
    onTestFinished(() => void spy.mockRestore())
    await latency.run(context)
    expect(context.conditions).toContain('latency: thread not pinned')
  })
})

describe('time', () => {
  /** A context on whose clock a chase takes as long as its set is large. */
  function slow(shareOfMebibyte: number): Watched {
    let gone = 0
    const { chase } = addon
    const spy = vi.spyOn(addon, 'chase')
    spy.mockImplementation((set, ...args) => {
      gone += (shareOfMebibyte * set.byteLength) / 2 ** 20
      return chase(set, ...args)
    })
    onTestFinished(() => void spy.mockRestore())
    const timeGone = () => Math.min(1, gone)
    return watched({ size: 2 ** 22 }, { timeGone, timeIsUp: () => gone >= 1 })
  }

  it('that suffices for the matrix once makes samples fewer', async () => {
    const context = slow(0.005)
    const rows = (await latency.run(context)).rows as LatencyRow[]
    const large = rows.filter(({ workingSetBytes }) => workingSetBytes === 2 ** 22)
    expect(large.map(({ kind }) => kind)).toContain('idle')
    expect(Math.min(...rows.map(({ samples }) => samples))).toBeGreaterThanOrEqual(1)
    expect(context.conditions).toContainEqual(expect.stringMatching(/^latency: time was up after/))
    expect(context.conditions.join()).not.toContain('no time for')
  })

  it('is not spent on sets that it has no room for', async () => {
    const context = slow(0.03)
    const rows = (await latency.run(context)).rows as LatencyRow[]
    const largest = Math.max(...rows.map(({ workingSetBytes }) => workingSetBytes))
    expect(largest).toBeLessThan(2 ** 22)
    expect(rows.some(({ kind }) => kind === 'loaded')).toBe(true)
    expect(context.conditions).toContainEqual(
      expect.stringMatching(/^latency: no time for working sets of more than/),
    )
    expect(context.done.at(-1)).toBe(1)
    expect(context.cxl.mappings()).toEqual([])
  })
})

/** A row of figures that do not matter. */
function row(changes: Partial<LatencyRow>, samples = [100, 101]): LatencyRow {
  return {
    ...{ kind: 'idle', cpuNode: 0, node: 'local', numaNode: 0, workingSetBytes: 2 ** 28 },
    ...{ pageBytes: 4096, threads: 0, trafficGBps: null, loadsPerSample: 20_000 },
    ...measured('ns', [samples]),
    ...changes,
  }
}

/** What a machine with two sockets and an expander would give. */
const MANY = [0, 1].flatMap((cpuNode) =>
  [0, 1, 2].flatMap((node) =>
    [4096, 2 ** 21].flatMap((pageBytes) =>
      [2 ** 15, 2 ** 28].map((workingSetBytes) => {
        const role = node === 0 ? 'local' : 'remote'
        return row({ cpuNode, node: role, numaNode: node, pageBytes, workingSetBytes })
      }),
    ),
  ),
)
const LOADED = [0, 1, 16].flatMap((threads) =>
  [0, 1, 2].map((node) =>
    row({
      ...{ kind: 'loaded', threads, trafficGBps: threads * 10, pageBytes: 2 ** 21 },
      ...{ node: node === 0 ? 'local' : 'remote', numaNode: node },
    }),
  ),
)

describe('what processes found', () => {
  it('is merged, their traffic too', () => {
    const of = (trafficGBps: number, samples: number[]) => ({
      rows: [row({}, samples), row({ kind: 'loaded', threads: 1, trafficGBps }, samples)],
    })
    const { rows } = latency.merge([of(10, [1, 2]), of(30, [3]), of(20, [5])]) as {
      rows: LatencyRow[]
    }
    expect(rows).toMatchObject([
      { kind: 'idle', trafficGBps: null, samples: 4, trials: [[1, 2], [3], [5]] },
      { kind: 'loaded', trafficGBps: 20, samples: 4, median: 2.5 },
    ])
  })

  it('is printed in 80 columns, a line for each pair of nodes', () => {
    const tables = latency.tables({ rows: [...MANY, ...LOADED] })
    const text = tables.map((table) => render(table, 80)).join('\n')
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(tables.map(({ rows }) => rows.length)).toEqual([12, 2, 3])
    expect(text).toMatch(/^ +16 +160\.0 +100\.5/m)
  })

  it('is drawn: a line for each node and page size, and a curve for each node', () => {
    const [steps, load] = latency.charts?.({ rows: [...MANY, ...LOADED] }) ?? []
    expect(steps?.series.map(({ name }) => name)).toEqual([
      ...['local, 4 KiB pages', 'remote 1, 4 KiB pages', 'remote 2, 4 KiB pages'],
      ...['local, 2 MiB pages', 'remote 1, 2 MiB pages', 'remote 2, 2 MiB pages'],
    ])
    expect(steps?.series[0]?.points).toEqual([
      [2 ** 15, 100.5],
      [2 ** 28, 100.5],
    ])
    expect(load?.series[1]?.points.map(([x]) => x)).toEqual([0, 10, 160])
  })
})
