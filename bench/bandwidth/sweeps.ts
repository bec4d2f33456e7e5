// Sweeps of the addon's kernels over memory of one node, or of two page by page: by threads and by ratio.

import { bytesText } from '../../lib/cli/units.js'
import type { Kernel } from '../../lib/memory/addon.js'
import type { Node } from '../../lib/memory/options.js'
import { cpuNodes, threadCounts } from '../harness/cpus.js'
import {
  blockBytes,
  type Context,
  noteRepetitions,
  PAGE,
  turn,
  twoNodes,
} from '../harness/experiment.js'
import { allocPages, hasHugePages } from '../harness/huge-pages.js'
import { measured } from '../harness/measured.js'
import { verifyPlacement } from '../harness/placement.js'
import { type BandwidthRow, localShareOf, OPERANDS, RATIOS, type Ratio } from './row.js'

/** Passes of a round, and rounds, each in fresh blocks: ten passes at least, as many as STREAM makes. */
const PASSES = 5
const ROUNDS = { quick: 2, full: 4 }

/** STREAM's rule: an array is at least four times as large as all last-level caches together. */
const CACHES = 4
const LEAST = 32 * 2 ** 20
/** Smaller operands have no room for all ratios. */
const SMALLEST = 16 * PAGE

/** Filling, warming and checking take a sweep about as long as so many passes. */
const OTHER_PASSES = 9
/** The share of the time left that the first round may take, by an estimate from a sweep of so many bytes or more. */
const FOR_FIRST_ROUND = 0.7
const SPECIMEN = 2 ** 24
/** Operands are not made smaller than this to gain time. */
const LEAST_FOR_TIME = 2 ** 20

interface Cell {
  kernel: Kernel
  threads: number
  node: BandwidthRow['node']
  ratio: Ratio
  gigabytesPerSecond: number[]
  /** Bytes of an operand. */
  bytes: number
}

/** The operands that kernels work on, of each node as many as the largest needs. */
interface Memory {
  local: ArrayBuffer[]
  remote: ArrayBuffer[]
}

export function cellsOf(cpus: number): Cell[] {
  const cell = (kernel: Kernel, threads: number, node: Cell['node'], ratio: Ratio): Cell => {
    return { kernel, threads, node, ratio, gigabytesPerSecond: [], bytes: 0 }
  }
  const kernels = Object.keys(OPERANDS) as Kernel[]
  return [
    ...kernels.flatMap((kernel) =>
      threadCounts(1, cpus).flatMap((threads) => [
        cell(kernel, threads, 'local', [1, 0]),
        cell(kernel, threads, 'remote', [0, 1]),
      ]),
    ),
    ...RATIOS.map((ratio) => cell('read', cpus, 'interleaved', ratio)),
  ]
}

/** What a sweep works on: for each operand a block of each part. */
function operandsOf({ local, remote }: Memory, cell: Cell, bytes: number): Uint8Array[][] {
  const { kernel, node, ratio } = cell
  const pages = (share: number) => Math.max(PAGE, Math.floor((bytes * share) / PAGE) * PAGE)
  return Array.from({ length: OPERANDS[kernel] }, (_, i) => {
    const [own, other] = [local[i], remote[i]] as [ArrayBuffer, ArrayBuffer]
    if (node !== 'interleaved') return [new Uint8Array(node === 'local' ? own : other, 0, bytes)]
    const share = localShareOf(ratio)
    return [new Uint8Array(own, 0, pages(share)), new Uint8Array(other, 0, pages(1 - share))]
  })
}

async function sweep(
  context: Context,
  memory: Memory,
  cell: Cell,
  bytes: number,
  cpus: readonly number[],
  passes: number,
): Promise<number[]> {
  const { addon } = await import('../../lib/memory/addon.js')
  const { kernel, threads, node, ratio } = cell
  const weights = node === 'interleaved' ? ratio : [1]
  const operands = operandsOf(memory, cell, bytes)
  const { nsPerPass, bytesPerPass, pinned, valid } = addon.sweep(
    kernel,
    operands,
    weights,
    cpus.slice(0, threads),
    passes,
  )
  if (!valid) {
    throw new Error(
      `bandwidth: ${kernel} by ${threads} threads has left what it must not in ${node} memory`,
    )
  }
  if (!pinned) context.condition('bandwidth: threads not pinned')
  cell.bytes = bytesPerPass / OPERANDS[kernel]
  await turn()
  // Bytes in a nanosecond are 10^9 bytes in a second.
  return nsPerPass.map((ns) => bytesPerPass / ns)
}

/** Allocates so many operands on each node, and gives them to `work`. */
async function withMemory(
  context: Context,
  bytes: number,
  huge: boolean,
  operands: number,
  work: (memory: Memory, pageBytes: number) => Promise<void>,
): Promise<void> {
  const { cxl } = context
  const { local, remote } = twoNodes(cxl)
  const memory: Memory = { local: [], remote: [] }
  const pages: number[] = []
  const alloc = (node: Node, to: ArrayBuffer[]) => {
    const { block, pageBytes } = allocPages(cxl, bytes, node, huge)
    to.push(block)
    pages.push(pageBytes)
  }
  try {
    for (let i = 0; i < operands; i++) {
      alloc(local, memory.local)
      alloc(remote, memory.remote)
    }
    verifyPlacement(context, [...memory.local, ...memory.remote])
    await work(memory, Math.min(...pages))
  } finally {
    for (const block of [...memory.local, ...memory.remote]) cxl.free(block)
  }
}

/** How large operands can be, and how many passes can be made, for the first round to be over in time. */
interface Scope {
  bytes: number
  passes: number
}

/** By a specimen: before all the memory is there, which alone can take long. */
async function findScope(
  context: Context,
  cells: readonly Cell[],
  bytes: number,
  huge: boolean,
  passes: number,
): Promise<Scope> {
  const specimen = Math.min(bytes, Math.max(SPECIMEN, context.lastLevelCache))
  const { cpus } = cpuNodes(context)[0]
  /** The share of time that a byte of an operand takes; doubles are slow where they are emulated. */
  const costs = new Map<Kernel, number>()
  await withMemory(context, specimen, huge, OPERANDS.triad, async (memory) => {
    const singles = cellsOf(1).filter(({ node }) => node === 'local')
    for (const cell of singles) {
      if (costs.size === 0) await sweep(context, memory, cell, PAGE, cpus, 1) // loads the addon
      const gone = context.timeGone()
      await sweep(context, memory, cell, specimen, cpus, 1)
      costs.set(cell.kernel, (context.timeGone() - gone) / specimen)
    }
  })
  const all = cells.reduce((sum, { kernel }) => sum + (costs.get(kernel) ?? 0), 0)
  const time = (size: number, made: number) =>
    (all * size * (OTHER_PASSES + made)) / (OTHER_PASSES + 1)
  const most = FOR_FIRST_ROUND * (1 - context.timeGone())
  let size = bytes
  while (time(size, 1) > most && size / 2 >= LEAST_FOR_TIME) {
    size = Math.floor(size / 2 / PAGE) * PAGE
  }
  let made = passes
  while (made > 1 && time(size, made) > most) made--
  return { bytes: size, passes: made }
}

/** @param caches bytes of all last-level caches of the CPUs that work */
function noteSize({ condition }: Context, caches: number, bytes: number): void {
  if (caches === 0) {
    condition('bandwidth: size of the caches unknown, some of it may be that of one')
  } else if (bytes < CACHES * caches) {
    condition(
      `bandwidth: operands of ${bytesText(bytes)}, less than ${CACHES} times the last-level cache: ` +
        'some of it is that of the cache',
    )
  }
}

export async function measureBandwidth(context: Context): Promise<BandwidthRow[]> {
  const { settings } = context
  const { cpus } = cpuNodes(context)[0]
  const caches = context.countCaches(cpus) * context.lastLevelCache
  const room = blockBytes(context, Math.max(LEAST, CACHES * caches), OPERANDS.triad)
  const size = Math.max(SMALLEST, Math.floor(room / PAGE) * PAGE)
  const huge = hasHugePages(context, 'bandwidth')
  const cells = cellsOf(cpus.length)
  const most = ROUNDS[settings.quick === true ? 'quick' : 'full']
  const wanted = settings.runs ?? PASSES * most
  const rounds = Math.min(most, wanted)
  const scope = await findScope(context, cells, size, huge, Math.ceil(wanted / rounds))
  let taken = 0
  let steps = 0
  let pageBytes = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const began = context.timeGone()
    const passes = round === 0 ? scope.passes : Math.ceil((wanted - taken) / (rounds - round))
    await withMemory(context, scope.bytes, huge, OPERANDS.triad, async (memory, bytesOfPage) => {
      pageBytes = Math.min(pageBytes, bytesOfPage)
      // Who goes first changes.
      for (const cell of round % 2 === 0 ? cells : [...cells].reverse()) {
        const now = context.timeIsUp() ? 1 : passes
        const found = await sweep(context, memory, cell, scope.bytes, cpus, now)
        cell.gigabytesPerSecond.push(...found)
        context.progress(++steps / (rounds * cells.length))
      }
    })
    taken = Math.min(...cells.map(({ gigabytesPerSecond }) => gigabytesPerSecond.length))
    const gone = context.timeGone()
    if (context.timeIsUp() || gone + (gone - began) > 1) break
  }
  context.progress(1)
  noteSize(context, caches, scope.bytes)
  noteRepetitions(context, 'bandwidth', taken, wanted)
  return cells.map((cell) => rowOf(context, cell, pageBytes))
}

function rowOf(
  { cxl }: Context,
  { gigabytesPerSecond, ...cell }: Cell,
  pageBytes: number,
): BandwidthRow {
  const { kernel, threads, node, ratio, bytes: blockBytes } = cell
  const numaNode = node === 'interleaved' ? null : twoNodes(cxl)[node].numaNode
  return {
    ...{ kernel, threads, node, numaNode, localShare: localShareOf(ratio), blockBytes, pageBytes },
    ...measured('GB/s', [gigabytesPerSecond]),
  }
}
