// The experiments on a context of the test's own: what they leave behind, when they stop, and that they
// do not measure pages that are not where they should be.

import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { crossover } from '../../bench/access/tables.js'
import type { AccessRow } from '../../bench/access.js'
import type { AllocRow } from '../../bench/alloc.js'
import { EXPERIMENTS } from '../../bench/experiments.js'
import { allowedCpus } from '../../bench/harness/cpus.js'
import {
  blockBytes,
  blockSizes,
  type Experiment,
  type Settings,
} from '../../bench/harness/experiment.js'
import { verifyPlacement } from '../../bench/harness/placement.js'
import { inRounds, type Subject } from '../../bench/harness/rounds.js'
import type { MigrateRow } from '../../bench/migrate.js'
import { addon } from '../../lib/memory/addon.js'
import type { Emucxl } from '../../lib/memory/emucxl.js'
import { EmucxlError } from '../../lib/memory/errors.js'
import type { Residency } from '../../lib/memory/reports.js'
import { numaNode, type Watched, watched } from './watched.js'

/** What is said of the emulated backend whatever happens. */
const STANDING = [
  'migrate: on the emulated backend no page moves',
  'migrate: threads that read not pinned', // on one CPU there is none for them
]

const unusual = ({ conditions }: Watched) => conditions.filter((line) => !STANDING.includes(line))

const SMALL = { count: 20, size: 2 ** 18 }

/** A context whose kernel reports this of every block. */
function placed(where: () => Residency, backend: Emucxl['backend'] = 'numa'): Watched {
  const cxl = { backend, nodes: [{ numaNode: 0 }, { numaNode: 3 }], nodeOf: () => 1, where }
  return watched({}, { cxl: cxl as unknown as Emucxl })
}

describe.each(EXPERIMENTS)('$name', (experiment) => {
  it('leaves no memory behind, and tells its progress up to the end', async () => {
    const context = watched({ ...SMALL, runs: 3 })
    expect((await experiment.run(context)).rows).not.toEqual([])
    expect(context.cxl.mappings()).toEqual([])
    expect(context.done.at(-1)).toBe(1)
    expect(context.done).toEqual([...context.done].sort((a, b) => a - b))
    expect(unusual(context)).toEqual([])
  })

  it('leaves no memory behind when a node has no room', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    context.cxl.setCapacity(1, 4096)
    await expect(experiment.run(context)).rejects.toMatchObject({ code: 'ERR_EMUCXL_NO_MEMORY' })
    expect(context.cxl.mappings()).toEqual([])
  })

  // Table IV counts what happens, which is the same each time.
  it.skipIf(experiment.name === 'kv')(
    'stops after one repetition when time is up, and says so',
    async () => {
      const context = watched(SMALL, { timeIsUp: () => true })
      const { rows } = await experiment.run(context)
      const [row] = rows as { samples?: number; runs?: number }[]
      expect(row?.samples ?? row?.runs).toBe(1)
      const said = new RegExp(`^${experiment.name}[^:]*: time was up after 1 of \\d+ rep`)
      expect(unusual(context)).not.toEqual([])
      for (const line of unusual(context)) expect(line).toMatch(said)
    },
  )
})

const named = (name: string): Experiment =>
  EXPERIMENTS.find((experiment) => experiment.name === name) as Experiment

describe('a thread that may run anywhere', () => {
  it.each(['alloc', 'migrate', 'access', 'queue'])('is a condition of %s', async (name) => {
    const context = watched({ ...SMALL, runs: 1 }, { pinned: false })
    await named(name).run(context)
    expect(unusual(context)).toEqual([`${name}: thread not pinned`])
  })
})

describe('threads that read', () => {
  it('migrate: are on CPUs that the process may use', async () => {
    const topology = [numaNode(0, [...allowedCpus(), 8000])]
    const spy = vi.spyOn(addon, 'startTraffic')
    onTestFinished(() => void spy.mockRestore())
    await named('migrate').run(watched({ ...SMALL, runs: 1 }, { topology }))
    const cpus = spy.mock.calls.flatMap((words) => words[3])
    expect(cpus).not.toEqual([])
    expect(cpus).not.toContain(8000)
  })

  it('migrate: are elsewhere where the local node has no other CPU', async ({ skip }) => {
    const [first, second] = allowedCpus() as [number, number | undefined]
    if (second === undefined) return skip('one CPU alone')
    const spy = vi.spyOn(addon, 'startTraffic')
    const current = vi.spyOn(addon, 'currentCpu').mockReturnValue(first)
    onTestFinished(() => [spy, current].forEach((each) => void each.mockRestore()))
    const topology = [numaNode(0, [first]), numaNode(1, [second])]
    await named('migrate').run(watched({ ...SMALL, runs: 1 }, { topology }))
    expect(new Set(spy.mock.calls.flatMap((words) => words[3]))).not.toContain(-1)
    expect(spy.mock.calls.flatMap((words) => words[3])).not.toContain(first)
  })

  it('migrate: are a condition where they are not pinned', async () => {
    const { stopTraffic } = addon
    const spy = vi.spyOn(addon, 'stopTraffic')
    spy.mockImplementation((id) => ({ ...stopTraffic(id), pinned: false }))
    onTestFinished(() => void spy.mockRestore())
    const context = watched({ ...SMALL, runs: 1 })
    await named('migrate').run(context)
    expect(context.conditions).toContain('migrate: threads that read not pinned')
  })
})

/** A context whose blocks are all on NUMA node 7, by the kernel's word; they belong on another one. */
function astray(): Watched {
  const context = watched({ ...SMALL, runs: 1 })
  Object.defineProperty(context.cxl, 'backend', { value: 'numa' })
  const elsewhere = (block: unknown) => {
    const pages = Math.ceil((block as ArrayBuffer).byteLength / 4096)
    return { pageSize: 4096, nodes: { 7: pages }, untouched: 0 }
  }
  vi.spyOn(context.cxl, 'where').mockImplementation(elsewhere)
  return context
}

/** A context with two NUMA nodes, on which all blocks are where they belong, by the kernel's word. */
function moving(settings: Settings): Watched {
  const context = watched(settings)
  const { cxl } = context
  const nodes = cxl.nodes.map((node, i) => ({ ...node, numaNode: i }))
  Object.defineProperty(cxl, 'backend', { value: 'numa' })
  Object.defineProperty(cxl, 'nodes', { value: nodes })
  vi.spyOn(cxl, 'where').mockImplementation((block) => {
    const pages = Math.ceil((block as ArrayBuffer).byteLength / 4096)
    return { pageSize: 4096, nodes: { [cxl.nodeOf(block)]: pages }, untouched: 0 }
  })
  return context
}

describe.each(['alloc', 'migrate', 'access', 'queue'])('%s refuses to go on', (name) => {
  it('where pages are not on the node of their block', async () => {
    const context = astray()
    await expect(named(name).run(context)).rejects.toThrow(
      /elsewhere: \d+ on NUMA node 7, 0 without memory/,
    )
    expect(context.cxl.mappings()).toEqual([])
  })
})

describe('what was measured is checked', () => {
  const flip = (block: ArrayBuffer, at: number) => {
    const bytes = new Uint8Array(block)
    bytes[at] = (bytes[at] as number) ^ 1
  }

  async function refused(context: Watched, name: string, message: string | RegExp): Promise<void> {
    await expect(named(name).run(context)).rejects.toThrow(message)
    expect(context.cxl.mappings()).toEqual([])
  }

  it('alloc: new memory is zeroed', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    const alloc = context.cxl.alloc.bind(context.cxl)
    vi.spyOn(context.cxl, 'alloc').mockImplementation((size: number, node: number) => {
      const block = alloc(size, node)
      flip(block, 4095)
      return block
    })
    await refused(context, 'alloc', 'a new block was not zeroed at 4095')
  })

  it('migrate: a block comes whole', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    const migrate = context.cxl.migrate.bind(context.cxl)
    vi.spyOn(context.cxl, 'migrate').mockImplementation((block, node) => {
      const moved = migrate(block, node)
      if (node === 1) flip(block as ArrayBuffer, 4096)
      return moved
    })
    // Flipped an odd number of times: of 16 moves of small blocks nothing would be seen.
    context.settings.size = 2 ** 20
    await refused(context, 'migrate', 'the contents of a block of 1048576 bytes changed')
  })

  it('migrate: a block comes at all', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    const stay = { moved: 0, failed: 0, untouched: 0 }
    vi.spyOn(context.cxl, 'migrate').mockReturnValue(stay)
    await refused(context, 'migrate', 'a block did not come to remote memory')
  })

  it('migrate: a move that leaves pages behind is made once more, and not counted', async () => {
    const context = watched({ size: 4096, runs: 1 })
    const migrate = context.cxl.migrate.bind(context.cxl)
    let calls = 0
    vi.spyOn(context.cxl, 'migrate').mockImplementation((block, node) => {
      const moved = migrate(block, node)
      return calls++ === 0 ? { ...moved, failed: 1 } : moved
    })
    const { rows } = await named('migrate').run(context)
    expect(rows).toHaveLength(4)
    expect(unusual(context)).toEqual(['migrate: some pages moved at a second attempt; not counted'])
  })

  it('migrate: pages that stay where they are have no figure', async () => {
    const context = watched({ size: 4096, runs: 1 })
    const migrate = context.cxl.migrate.bind(context.cxl)
    vi.spyOn(context.cxl, 'migrate').mockImplementation((block, node) => {
      return { ...migrate(block, node), failed: 1 }
    })
    await refused(context, 'migrate', 'some pages stayed where they were')
  })

  it('access: loads find what was stored', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    const read = context.cxl.read.bind(context.cxl)
    vi.spyOn(context.cxl, 'read').mockImplementation((block, offset, buffer, size) => {
      read(block, offset, buffer, size)
      if (buffer instanceof Float64Array) buffer.fill(1)
    })
    await refused(context, 'access', 'loads of 8 bytes by call found other data')
  })

  it('access: stores arrive', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    vi.spyOn(context.cxl, 'write').mockImplementation(() => {})
    await refused(context, 'access', 'of 8 bytes by call found other data than was stored')
  })

  it('access: stores go nowhere else', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    let block: ArrayBuffer | undefined
    const write = context.cxl.write.bind(context.cxl)
    vi.spyOn(context.cxl, 'write').mockImplementation((address, offset, buffer, size) => {
      write(address, offset, buffer, size)
      block = address as ArrayBuffer
    })
    const { progress } = context
    context.progress = (done) => {
      progress(done)
      if (done < 1 || block === undefined) return
      flip(block, block.byteLength - 1)
      block = undefined
    }
    await refused(context, 'access', /the (local|remote) block holds other data than was stored/)
  })
})

describe('rounds', () => {
  const subjects = (taken: string[]) =>
    ['a', 'b', 'c'].map((name): Subject<{ name: string }> => {
      return {
        figures: [
          { row: { name }, unit: 'us' },
          { row: { name: `${name}2` }, unit: 'MB/s' },
        ],
        sample: () => {
          taken.push(name)
          return [taken.length, 1]
        },
      }
    })

  it('warm up, take one of each, and change who of a pair goes first', async () => {
    const taken: string[] = []
    const context = watched({})
    const rows = await inRounds(context, 'test', subjects(taken), 3)
    expect(taken.join('')).toBe('abcabcbacabc')
    expect(rows.map(({ name, unit, samples }) => [name, unit, samples])).toEqual(
      ['a', 'b', 'c'].flatMap((name) => [
        [name, 'us', 3],
        [`${name}2`, 'MB/s', 3],
      ]),
    )
    expect(rows[0]?.trials).toEqual([[4, 8, 10]])
    expect(context.done.at(-1)).toBe(1)
    expect(context.conditions).toEqual([])
  })

  it('do no more than the user wants', async () => {
    const taken: string[] = []
    const rows = await inRounds(watched({ runs: 1 }), 'test', subjects(taken), 3)
    expect(taken.join('')).toBe('abcabc')
    expect(rows[0]?.samples).toBe(1)
  })

  it('end before one for which there is no time; one is made whatever the time', async () => {
    const taken: string[] = []
    // A tenth of the time for each sample.
    const context = watched({}, { timeGone: () => Math.min(1, taken.length / 10) })
    const rows = await inRounds(context, 'test', subjects(taken), 3)
    expect(taken.join('')).toBe('abcabcbac')
    expect(rows[0]?.samples).toBe(2)
    expect(context.conditions).toEqual([
      'test: time was up after 2 of 3 repetitions; --runs 3 makes all',
    ])
    const late: string[] = []
    await inRounds(
      watched({}, { timeGone: () => 1, timeIsUp: () => true }),
      'test',
      subjects(late),
      3,
    )
    expect(late.join('')).toBe('abc')
  })
})

describe('the size from which on calls pay', () => {
  const row = (access: string, bytes: number, median: number) =>
    ({ access, bytes, median, operation: 'load', order: 'random' }) as AccessRow
  const rows = (calls: number[]) =>
    [8, 64, 512].flatMap((bytes, i) => [
      row('loop', bytes, bytes),
      row('call', bytes, calls[i] as number),
    ])

  it.each([
    [[1, 1, 1], 8],
    [[9, 64, 1], 64],
    [[9, 65, 512], 512],
    [[1, 65, 500], 512],
    [[1, 1, 513], undefined],
  ])('of calls of %j ns is %s', (calls, from) => {
    expect(crossover(rows(calls), 'loop', { operation: 'load' })).toBe(from)
  })
})

describe('huge pages', () => {
  it('are a condition where the kernel gives none', async () => {
    const context = watched({ size: 2 ** 21, runs: 1 })
    const alloc = context.cxl.alloc.bind(context.cxl)
    vi.spyOn(context.cxl, 'alloc').mockImplementation((size: number, node: number) =>
      alloc(size, node, { hugePages: 'off' }),
    )
    const { rows } = await named('alloc').run(context)
    expect(new Set((rows as AllocRow[]).map(({ pageBytes }) => pageBytes))).toEqual(new Set([4096]))
    expect(context.conditions).toEqual(['alloc: the kernel gave no huge pages to blocks of 2 MiB'])
  })
})

describe('the charts', () => {
  it.each(['alloc', 'migrate', 'access'])(
    'of %s have a point for what was measured',
    async (name) => {
      const experiment = named(name)
      const context = moving({ ...SMALL, runs: 1 }) // where no page moves, migrate has nothing to draw
      const charts = experiment.charts?.(await experiment.run(context)) ?? []
      expect(charts).not.toEqual([])
      for (const { title, kind, x, series, notes } of charts) {
        expect(title).not.toMatch(/\.$/)
        expect(notes).not.toEqual([])
        expect(series.length).toBeGreaterThan(1)
        for (const { points } of series) {
          expect(points).not.toEqual([])
          for (const [at, y] of points) {
            expect(y).toBeGreaterThan(0)
            if (kind === 'bar') expect(x.categories?.[at]).toBeDefined()
          }
        }
      }
    },
  )
})

describe('migrate where pages move', () => {
  it('tells of both ways, in bytes of a second and in time of a page', async () => {
    const context = moving({ size: 4096, runs: 1 })
    const result = await named('migrate').run(context)
    const rows = result.rows as MigrateRow[]
    expect(rows.map(({ from, per, unit }) => `${from}: ${per}, ${unit}`)).toEqual(
      [0, 1].flatMap(() =>
        ['local', 'remote'].flatMap((from) => [`${from}: second, MB/s`, `${from}: 4 KiB, ns/page`]),
      ),
    )
    for (const { per, median } of rows.slice(0, 2)) {
      const other = rows.find((row) => row.from === 'local' && row.per !== per) as MigrateRow
      expect(median * other.median).toBeCloseTo(1000 * 4096, -2)
    }
    const [table] = named('migrate').tables(result)
    expect(table?.columns).toHaveLength(6)
    expect(table?.rows).toHaveLength(2)
    expect(table?.rows.flat()).not.toContain(undefined)
  })

  it('has the time of a call alone where none does', async () => {
    const result = await named('migrate').run(watched({ size: 4096, runs: 1 }))
    const [table] = named('migrate').tables(result)
    expect(table?.columns.map(({ unit }) => unit)).toEqual([undefined, undefined, 'µs', 'µs'])
    expect(table?.rows.flat()).not.toContain(undefined)
    expect(table?.notes.join()).toContain('No page moves here')
    expect(named('migrate').charts?.(result)).toEqual([])
  })
})

describe('the place of pages', () => {
  const block = [new ArrayBuffer(8)]
  const residency = (nodes: Record<number, number>, untouched = 0): Residency => ({
    pageSize: 4096,
    nodes,
    untouched,
  })

  it('is right where all are on the node of the block', () => {
    const context = placed(() => residency({ 3: 16 }))
    verifyPlacement(context, block)
    expect(context.conditions).toEqual([])
  })

  it('is refused where some are elsewhere, or have no memory', () => {
    const astray = placed(() => residency({ 0: 1, 3: 15 }))
    expect(() => verifyPlacement(astray, block)).toThrow(
      'pages of a block for NUMA node 3 are elsewhere: 1 on NUMA node 0, 15 on NUMA node 3, 0 without memory',
    )
    const untouched = placed(() => residency({ 3: 15 }, 1))
    expect(() => verifyPlacement(untouched, block)).toThrow('1 without memory')
  })

  it('is any on the emulated backend', () => {
    const context = placed(() => residency({ 7: 16 }), 'emulated')
    verifyPlacement(context, block)
    expect(context.conditions).toEqual([])
  })

  it('is a condition where the kernel does not tell', () => {
    const silent = placed(() => residency({}, 16))
    verifyPlacement(silent, block)
    expect(silent.conditions).toEqual([expect.stringMatching(/^place of the pages not verified/)])
    const forbidden = placed(() => {
      throw new EmucxlError('ERR_EMUCXL_NOT_PERMITTED', 'move_pages is forbidden here')
    })
    verifyPlacement(forbidden, block)
    expect(forbidden.conditions).toEqual([expect.stringContaining('move_pages is forbidden here')])
  })
})

describe('the size of blocks', () => {
  it('is what is wanted, where a quarter of the node holds it', () => {
    expect(blockBytes(watched({}, { memoryOfEach: 1000 }), 100, 2)).toBe(100)
    expect(blockBytes(watched({}, { memoryOfEach: 1000 }), 900, 2)).toBe(125)
  })

  it('is what the user says, up to the memory that there is', () => {
    expect(blockBytes(watched({ size: 500 }, { memoryOfEach: 1000 }), 100, 2)).toBe(500)
    expect(() => blockBytes(watched({ size: 501 }, { memoryOfEach: 1000 }), 100, 2)).toThrow(
      '--size',
    )
  })
  it('of several is what there is room for, in pages; the largest is what the user says', () => {
    const sizes = [4096, 65_536, 2 ** 20]
    expect(blockSizes(watched({}), sizes, 1)).toEqual(sizes)
    expect(blockSizes(watched({}, { memoryOfEach: 2 ** 20 }), sizes, 1)).toEqual([4096, 65_536])
    expect(blockSizes(watched({ size: 70_000 }), sizes, 1)).toEqual([4096, 65_536, 73_728])
    expect(blockSizes(watched({ size: 2 ** 21 }), sizes, 1)).toEqual([...sizes, 2 ** 21])
    expect(blockSizes(watched({ size: 1 }), sizes, 1)).toEqual([4096])
  })
})
