// How fast blocks move from one node to the other, while nobody reads them, and while somebody does.

import { bytesText } from '../lib/cli/units.js'
import type { Node } from '../lib/memory/options.js'
import type { Chart } from './harness/chart.js'
import { cpuNodes } from './harness/cpus.js'
import {
  blockSizes,
  type Context,
  type Experiment,
  PAGE,
  type Table,
  twoNodes,
} from './harness/experiment.js'
import { type Measured, mergeRows } from './harness/measured.js'
import { verifyPlacement } from './harness/placement.js'
import { inRounds, now, type Subject } from './harness/rounds.js'

const KIB = 2 ** 10
const MIB = 2 ** 20
const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB]
const SAMPLES = 25
/** A sample moves small blocks more than once each way: so often, or so many bytes, at most. */
const MOVES = 16
const BYTES = MIB
const MOST_READERS = 4
/** How often pages that stayed where they were are asked to move once more. */
const RETRIES = 10

interface Kind {
  from: 'local' | 'remote'
  to: 'local' | 'remote'
  blockBytes: number
  /** Threads that read the block from one end to the other meanwhile. */
  readers: number
  /** What a figure tells: bytes of a second, or the time of 4 KiB. */
  per: 'second' | '4 KiB'
}

export interface MigrateRow extends Kind, Measured {}

type Addon = typeof import('../lib/memory/addon.js').addon

/** What a subject needs besides its size. */
interface Tools {
  context: Context
  addon: Addon
  local: Node
  remote: Node
  /** What the blocks hold: no page of it is like another. */
  contents: Uint8Array
}

/** The nodes that a block is moved to, one after the other. */
type Way = readonly [Node, Node]

/** Words that tell their place. */
function numbered(bytes: number): Uint8Array {
  const words = new Uint32Array(bytes / 4)
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1)
  return new Uint8Array(words.buffer)
}

/** Moves a block, checks that it is there, and returns how long it took; undefined: it did not count. */
function move({ context }: Tools, block: ArrayBuffer, { node, role }: Node): number | undefined {
  const { cxl } = context
  const began = now()
  let { failed } = cxl.migrate(block, node)
  const ns = now() - began
  const whole = failed === 0
  for (let i = 0; failed > 0 && i < RETRIES; i++) failed = cxl.migrate(block, node).failed
  if (cxl.nodeOf(block) !== node) throw new Error(`a block did not come to ${role} memory`)
  verifyPlacement(context, [block])
  if (!whole) context.condition('migrate: some pages moved at a second attempt; not counted')
  return whole ? ns : undefined
}

/** A move to each of two nodes, in nanoseconds. The block is on the second of them. */
function thereAndBack(tools: Tools, block: ArrayBuffer, [there, back]: Way): [number, number] {
  for (let i = 0; i < RETRIES; i++) {
    const first = move(tools, block, there)
    const second = move(tools, block, back)
    if (first !== undefined && second !== undefined) return [first, second]
  }
  throw new Error('a block could not be moved as a whole: some pages stayed where they were')
}

/** Nanoseconds of a move to each of two nodes, as means of several. A fresh block begins on the second. */
function sample(tools: Tools, bytes: number, readers: readonly number[], way: Way) {
  const { context, addon, contents } = tools
  const moves = Math.max(1, Math.min(MOVES, Math.floor(BYTES / bytes)))
  const block = context.cxl.alloc(bytes, way[1].node, { prefault: true })
  const whole = contents.subarray(0, bytes)
  const found = new Uint8Array(block)
  const sums: [number, number] = [0, 0]
  try {
    found.set(whole)
    verifyPlacement(context, [block])
    const traffic =
      readers.length === 0 ? undefined : addon.startTraffic('read', [[block]], [1], readers)
    try {
      for (let i = 0; i < moves; i++) {
        const [first, second] = thereAndBack(tools, block, way)
        sums[0] += first
        sums[1] += second
      }
    } finally {
      if (traffic !== undefined && !addon.stopTraffic(traffic).pinned) {
        context.condition('migrate: threads that read not pinned')
      }
    }
    if (Buffer.compare(found, whole) !== 0) {
      throw new Error(`the contents of a block of ${bytes} bytes changed while it was moved`)
    }
    return sums.map((sum) => sum / moves)
  } finally {
    context.cxl.free(block)
  }
}

function subjectOf(tools: Tools, blockBytes: number, readers: readonly number[]): Subject<Kind> {
  const figures = ([tools.local, tools.remote] as const).flatMap(({ role: from }) => {
    const to = from === 'local' ? 'remote' : 'local'
    const row = { from, to, blockBytes, readers: readers.length } as const
    return [
      { row: { ...row, per: 'second' }, unit: 'MB/s' },
      { row: { ...row, per: '4 KiB' }, unit: 'ns/page' },
    ] as const
  })
  const toRemote: Way = [tools.remote, tools.local]
  const toLocal: Way = [tools.local, tools.remote]
  let samples = 0
  return {
    figures,
    sample: () => {
      // The first move of a fresh block can be slower: each node is the first by turns.
      const isRemoteFirst = samples++ % 2 === 0
      const ns = sample(tools, blockBytes, readers, isRemoteFirst ? toRemote : toLocal)
      if (!isRemoteFirst) ns.reverse()
      // Bytes of a nanosecond are thousands of MB of a second.
      return ns.flatMap((each) => [(1000 * blockBytes) / each, each / (blockBytes / PAGE)])
    },
  }
}

/** The CPUs on which others read: near the local node, and not this thread's, where there are such. */
function readersOf(context: Context, addon: Addon): number[] {
  const { cpus } = cpuNodes(context)[0]
  const others = cpus.filter((cpu) => cpu !== addon.currentCpu()).slice(0, MOST_READERS)
  return others.length > 0 ? others : [-1]
}

async function run(context: Context): Promise<{ rows: MigrateRow[] }> {
  const { addon } = await import('../lib/memory/addon.js')
  const { cxl, condition, pinned } = context
  const { local, remote } = twoNodes(cxl)
  if (!pinned) condition('migrate: thread not pinned')
  if (cxl.backend === 'emulated') condition('migrate: on the emulated backend no page moves')
  else if (local.numaNode === remote.numaNode) condition('migrate: on one NUMA node no page moves')
  const sizes = blockSizes(context, SIZES, 2)
  const contents = numbered(Math.max(...sizes))
  const tools: Tools = { context, addon, local, remote, contents }
  const readers = readersOf(context, addon)
  const subjects = sizes.flatMap((size) =>
    [[], readers].map((cpus) => subjectOf(tools, size, cpus)),
  )
  return { rows: await inRounds(context, 'migrate', subjects, SAMPLES) }
}

const DIRECTIONS = ['local', 'remote'] as const

function table(rows: readonly MigrateRow[]): Table {
  const blocks = rows.filter(({ from, per }) => from === 'local' && per === 'second')
  const medianOf = ({ blockBytes, readers }: MigrateRow, from: string, per: string) =>
    rows.find(
      (row) =>
        row.blockBytes === blockBytes &&
        row.readers === readers &&
        row.from === from &&
        row.per === per,
    )?.median
  const microseconds = (ns: number | undefined) => (ns === undefined ? undefined : ns / 1000)
  return {
    columns: [
      { head: 'block' },
      { head: 'readers', digits: 0 },
      { head: 'to remote', unit: 'MB/s', digits: 0 },
      { head: 'each', unit: 'µs/4 KiB', digits: 3 },
      { head: 'to local', unit: 'MB/s', digits: 0 },
      { head: 'each', unit: 'µs/4 KiB', digits: 3 },
    ],
    rows: blocks.map((row) => [
      bytesText(row.blockBytes),
      row.readers,
      ...DIRECTIONS.flatMap((from) => [
        medianOf(row, from, 'second'),
        microseconds(medianOf(row, from, '4 KiB')),
      ]),
    ]),
    notes: rows
      .slice(0, 1)
      .map(
        ({ samples }) =>
          `Medians, N = ${samples}; MB/s are 10^6 bytes moved in a second. Readers: threads that ` +
          'read the block again and again while it moves. On the emulated backend no page moves: these ' +
          'are the times of its bookkeeping then.',
      ),
  }
}

function chart(rows: readonly MigrateRow[]): Chart {
  const of = rows.filter(({ per }) => per === 'second')
  const lines = new Map<string, MigrateRow[]>()
  for (const row of of) {
    const name = `${row.from} → ${row.to}, ${row.readers === 0 ? 'idle' : 'while it is read'}`
    lines.set(name, [...(lines.get(name) ?? []), row])
  }
  return {
    title: 'Moving a block to the other node',
    kind: 'line',
    x: { name: 'block', unit: 'B', log: true },
    y: { name: 'moved', unit: 'MB/s' },
    series: [...lines].map(([name, line]) => ({
      name,
      points: line.map(({ blockBytes, median }) => [blockBytes, median] as const),
    })),
    notes: ['Medians. Small blocks pay for the call, large ones for the pages alone.'],
  }
}

export const migrate: Experiment<{ rows: MigrateRow[] }> = {
  name: 'migrate',
  description:
    'How fast cxl.migrate moves a block to the other node and back, by size, idle and while other ' +
    'threads read it; where its pages are, and what they hold, is checked.',
  effort: { quick: { processes: 1, seconds: 5 }, full: { processes: 3, seconds: 10 } },
  run,
  merge: (results) => ({ rows: mergeRows(results.map(({ rows }) => rows)) }),
  tables: ({ rows }) => [table(rows)],
  charts: ({ rows }) => [chart(rows)],
}
