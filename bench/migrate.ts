// How fast blocks move from one node to the other, while nobody reads them, and while somebody does.

import { bytesText } from '../lib/cli/units.js'
import type { Node } from '../lib/memory/options.js'
import { type Chart, linesOf } from './harness/chart.js'
import { cpuNodes } from './harness/cpus.js'
import {
  blockSizes,
  type Context,
  type Experiment,
  PAGE,
  type Table,
  twoNodes,
} from './harness/experiment.js'
import { type Measured, mergeResults } from './harness/measured.js'
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
  /** What a figure tells: bytes of a second, the time of 4 KiB, or, where no page moves, of a call. */
  per: 'second' | '4 KiB' | 'call'
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
  /** Whether pages move; else calls are measured, and no pages. */
  moving: boolean
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
  const { local, remote, moving } = tools
  const figures = [local, remote].flatMap(({ role: from }): Subject<Kind>['figures'] => {
    const to = from === 'local' ? 'remote' : 'local'
    const row = { from, to, blockBytes, readers: readers.length } as const
    if (!moving) return [{ row: { ...row, per: 'call' }, unit: 'us' }]
    return [
      { row: { ...row, per: 'second' }, unit: 'MB/s' },
      { row: { ...row, per: '4 KiB' }, unit: 'ns/page' },
    ]
  })
  /** The values of a move, in the order of the figures. */
  const valuesOf = (ns: number): number[] => {
    if (!moving) return [ns / 1000]
    // Bytes of a nanosecond are thousands of MB of a second.
    return [(1000 * blockBytes) / ns, ns / (blockBytes / PAGE)]
  }
  const toRemote: Way = [remote, local]
  const toLocal: Way = [local, remote]
  let samples = 0
  return {
    figures,
    sample: () => {
      // The first move of a fresh block can be slower: each node is the first by turns.
      const isRemoteFirst = samples++ % 2 === 0
      const ns = sample(tools, blockBytes, readers, isRemoteFirst ? toRemote : toLocal)
      if (!isRemoteFirst) ns.reverse()
      return ns.flatMap(valuesOf)
    },
  }
}

/** The CPUs on which others read: not this thread's, and near the local node, where there are such. */
function readersOf(context: Context, addon: Addon): number[] {
  const own = addon.currentCpu()
  const othersOf = (cpus: readonly number[]) => cpus.filter((cpu) => cpu !== own)
  const near = othersOf(cpuNodes(context)[0].cpus)
  const others = near.length > 0 ? near : othersOf(context.allowed)
  return others.length > 0 ? others.slice(0, MOST_READERS) : [-1]
}

async function run(context: Context): Promise<{ rows: MigrateRow[] }> {
  const { addon } = await import('../lib/memory/addon.js')
  const { cxl, condition, pinned } = context
  const { local, remote } = twoNodes(cxl)
  if (!pinned) condition('migrate: thread not pinned')
  const moving = isMoving(context, local, remote)
  const sizes = blockSizes(context, SIZES, 2)
  const contents = numbered(Math.max(...sizes))
  const tools: Tools = { context, addon, local, remote, contents, moving }
  const readers = readersOf(context, addon)
  const subjects = sizes.flatMap((size) =>
    [[], readers].map((cpus) => subjectOf(tools, size, cpus)),
  )
  return { rows: await inRounds(context, 'migrate', subjects, SAMPLES) }
}

/** Whether a block has other pages after a move. No latency model makes one slower. */
function isMoving({ cxl, condition }: Context, local: Node, remote: Node): boolean {
  if (cxl.backend === 'emulated') condition('migrate: on the emulated backend no page moves')
  else if (local.numaNode === remote.numaNode) condition('migrate: on one NUMA node no page moves')
  else return true
  return false
}

const DIRECTIONS = ['local', 'remote'] as const

/** Columns of one direction: their heads, and what of the rows they show. */
const COLUMNS = {
  moving: [
    { per: 'second', column: { unit: 'MB/s', digits: 0 }, scale: 1 },
    { per: '4 KiB', column: { head: 'each', unit: 'µs/4 KiB', digits: 3 }, scale: 1e-3 },
  ],
  staying: [{ per: 'call', column: { unit: 'µs', digits: 2 }, scale: 1 }],
} as const

const NOTES = {
  moving: 'MB/s are 10^6 bytes moved in a second.',
  staying: 'No page moves here: this is the time of the call alone.',
} as const

function table(rows: readonly MigrateRow[]): Table {
  const kind = rows.some(({ per }) => per === 'call') ? 'staying' : 'moving'
  const columns = COLUMNS[kind]
  const blocks = rows.filter(({ from, per }) => from === 'local' && per === columns[0].per)
  const medianOf = ({ blockBytes, readers }: MigrateRow, from: string, per: string) =>
    rows.find(
      (row) =>
        row.blockBytes === blockBytes &&
        row.readers === readers &&
        row.from === from &&
        row.per === per,
    )?.median
  return {
    columns: [
      { head: 'block' },
      { head: 'readers', digits: 0 },
      ...['to remote', 'to local'].flatMap((head) =>
        columns.map(({ column }) => ({ head, ...column })),
      ),
    ],
    rows: blocks.map((row) => [
      bytesText(row.blockBytes),
      row.readers,
      ...DIRECTIONS.flatMap((from) =>
        columns.map(({ per, scale }) => {
          const median = medianOf(row, from, per)
          return median === undefined ? undefined : scale * median
        }),
      ),
    ]),
    notes: rows
      .slice(0, 1)
      .map(
        ({ samples }) =>
          `Medians, N = ${samples}. ${NOTES[kind]} Readers: threads that read the block again and ` +
          'again meanwhile.',
      ),
  }
}

function charts(rows: readonly MigrateRow[]): Chart[] {
  const moved = rows.filter(({ per }) => per === 'second')
  if (moved.length === 0) return []
  const series = linesOf(
    moved,
    ({ from, to, readers }) => `${from} → ${to}, ${readers === 0 ? 'idle' : 'while it is read'}`,
    ({ blockBytes, median }) => [blockBytes, median],
  )
  return [
    {
      title: 'Moving a block to the other node',
      kind: 'line',
      x: { name: 'block', unit: 'B', log: true },
      y: { name: 'moved', unit: 'MB/s' },
      series,
      notes: ['Medians. Small blocks pay for the call, large ones for the pages alone.'],
    },
  ]
}

export const migrate: Experiment<{ rows: MigrateRow[] }> = {
  name: 'migrate',
  description:
    'How fast cxl.migrate moves a block to the other node and back, by size, idle and while other ' +
    'threads read it; where its pages are, and what they hold, is checked.',
  effort: { quick: { processes: 1, seconds: 5 }, full: { processes: 3, seconds: 10 } },
  pinned: true,
  run,
  merge: mergeResults,
  tables: ({ rows }) => [table(rows)],
  charts: ({ rows }) => charts(rows),
}
