// Idle latency by working set, page size, CPU node and memory node. A set and a page size are one patch of
// the matrix: blocks of all nodes, from which samples are taken in turns.

import { bytesText } from '../../lib/cli/units.js'
import type { Node } from '../../lib/memory/options.js'
import { type CpuNode, cpuNodes } from '../harness/cpus.js'
import { blockBytes, type Context, noteRepetitions, turn } from '../harness/experiment.js'
import { allocPages, HUGE_PAGE, hasHugePages } from '../harness/huge-pages.js'
import { measured } from '../harness/measured.js'
import { verifyPlacement } from '../harness/placement.js'
import { CACHES, type LatencyRow, LINE } from './row.js'

const SMALLEST = 2 ** 15
/** Where the size of the caches is not known. */
const UNKNOWN_CACHE = 2 ** 25

/** Samples of a round; the physical pages of a block change its latency by percents, so rounds have fresh ones. */
const SAMPLES = 8
const ROUNDS = { quick: 2, full: 4 }
/** Samples of a node before it is the next one's turn. */
const IN_A_ROW = 4

/** The share of time after which nothing is repeated, and that after which no larger set is begun. */
const FOR_REPEATING = 0.55
const FOR_BEGINNING = 0.7
/** How much longer than the set before a set of twice the size may take. */
const GROWTH = 2.5

interface Cell {
  cpuNode: CpuNode
  node: Node
  nsPerLoad: number[]
}

interface Patch {
  bytes: number
  huge: boolean
  pageBytes: number
  cells: Cell[]
  /** The share of time that one round of it took; undefined: not measured. */
  cost: number | undefined
}

const powerBelow = (bytes: number) => 2 ** Math.floor(Math.log2(bytes))

/** Powers of two from 32 KiB up, so that the levels of the caches show; the last is what was asked for. */
export function workingSets(context: Context): number[] {
  const { lastLevelCache, settings } = context
  const times = settings.quick === true ? CACHES : 2 * CACHES
  const wanted = times * 2 ** Math.ceil(Math.log2(lastLevelCache || UNKNOWN_CACHE))
  const most = blockBytes(context, Math.max(SMALLEST, wanted), 1)
  const largest =
    settings.size === undefined
      ? powerBelow(Math.max(SMALLEST, most))
      : Math.max(2 * LINE, Math.floor(most / LINE) * LINE)
  const sets: number[] = []
  for (let bytes = SMALLEST; bytes < largest; bytes *= 2) sets.push(bytes)
  return [...sets, largest]
}

/** Enough for the clock: a tenth of a millisecond where loads are fastest. */
function loadsOf(context: Context, bytes: number): number {
  return bytes <= 2 ** 20 && !context.cxl.modelled ? 100_000 : 20_000
}

/** A mark in the figures where a set is too small to miss the caches. */
export function noteCaches({ lastLevelCache, condition }: Context, bytes: number): void {
  if (lastLevelCache === 0) {
    condition('latency: size of the caches unknown, some loads may be answered by one')
  } else if (bytes < CACHES * lastLevelCache) {
    condition(
      `latency: working set of less than ${CACHES} times the last-level cache, ` +
        'some loads are answered by it',
    )
  }
}

/** What a run of the whole matrix has found out about itself. */
export interface Idle {
  rows: LatencyRow[]
  /** Whether sets were measured in huge pages. */
  huge: boolean
  /** The sets that were measured, and the share of time that a block on each node took. */
  sets: { bytes: number; cost: number }[]
}

async function takeSamples(context: Context, patch: Patch, round: number, samples: number) {
  const { addon } = await import('../../lib/memory/addon.js')
  const { cxl, lastLevelCache } = context
  const { bytes, cells } = patch
  const nodes = [...new Set(cells.map(({ node }) => node))]
  const order = round % 2 === 0 ? nodes : [...nodes].reverse()
  const blocks = new Map<Node, ArrayBuffer>()
  try {
    const pages: number[] = []
    for (const node of order) {
      const { block, pageBytes } = allocPages(cxl, bytes, node, patch.huge)
      blocks.set(node, block)
      pages.push(pageBytes)
    }
    patch.pageBytes = Math.min(...pages)
    if (patch.huge && patch.pageBytes < HUGE_PAGE) return
    verifyPlacement(context, [...blocks.values()])
    const sets = new Map(
      [...blocks].map(([node, block]) => [node, new Uint8Array(block, 0, bytes)]),
    )
    for (const [node, set] of sets) {
      addon.chase(set, 1, 0, 1 + node.node + cxl.nodes.length * round, -1) // links the lines
      await turn()
    }
    // What another block, or another CPU, has driven out of the caches is no part of the figure.
    const again = 2 * bytes <= (lastLevelCache || UNKNOWN_CACHE) ? Math.ceil(bytes / LINE) : 1
    const loads = loadsOf(context, bytes)
    let backwards = round % 2 === 1
    for (let left = samples; left > 0; left -= IN_A_ROW) {
      const now = context.timeIsUp() ? 1 : Math.min(IN_A_ROW, left)
      for (const { node, cpuNode, nsPerLoad } of backwards ? [...cells].reverse() : cells) {
        const set = sets.get(node) as Uint8Array
        const cpu = cpuNode.cpus[0] ?? -1
        addon.chase(set, again, 1, 0, cpu)
        const chased = addon.chase(set, loads, now, 0, cpu)
        nsPerLoad.push(...chased.nsPerLoad)
        if (!chased.pinned) context.condition('latency: thread not pinned')
      }
      backwards = !backwards
      await turn()
      if (context.timeIsUp() || context.timeGone() > FOR_REPEATING) break
    }
  } finally {
    for (const block of blocks.values()) cxl.free(block)
  }
}

function patchesOf(context: Context, huge: boolean): Patch[] {
  const cpus = cpuNodes(context)
  return workingSets(context).flatMap((bytes) =>
    (huge ? [false, true] : [false]).map((isHuge): Patch => {
      const cells = cpus.flatMap((cpuNode) =>
        context.cxl.nodes.map((node): Cell => ({ cpuNode, node, nsPerLoad: [] })),
      )
      return { bytes, huge: isHuge, pageBytes: 0, cells, cost: undefined }
    }),
  )
}

const takenOf = ({ cells }: Patch) => cells[0]?.nsPerLoad.length ?? 0

export async function measureIdle(
  context: Context,
  progress: (done: number) => void,
): Promise<Idle> {
  const huge = hasHugePages(context, 'latency')
  const patches = patchesOf(context, huge)
  const { runs, quick } = context.settings
  const most = ROUNDS[quick === true ? 'quick' : 'full']
  const wanted = runs ?? SAMPLES * most
  const rounds = Math.min(most, wanted)
  const kinds = huge ? 2 : 1
  let steps = 0
  for (let round = 0; round < rounds; round++) {
    for (const [i, patch] of patches.entries()) {
      const gone = context.timeGone()
      if (round === 0 ? mayBegin(patches[i - kinds], gone, i < kinds) : mayRepeat(context, patch)) {
        const share = Math.ceil((wanted - takenOf(patch)) / (rounds - round))
        // The first round is for the whole matrix: the rest of its samples come when that is there.
        const samples = context.timeGone() === 0 ? share : Math.min(IN_A_ROW, share)
        await takeSamples(context, patch, round, samples)
        patch.cost = Math.max(patch.cost ?? 0, context.timeGone() - gone)
      }
      progress(++steps / (rounds * patches.length))
    }
  }
  tell(context, patches, wanted)
  const found = patches.filter((patch) => takenOf(patch) > 0)
  // One was there for a moment, and then too few for any set.
  const isHuge = huge && found.some((patch) => patch.huge)
  const sets = found
    .filter((patch) => patch.huge === isHuge)
    .map(({ bytes, cost = 0 }) => ({ bytes, cost }))
  return { rows: found.flatMap((patch) => rowsOf(context, patch)), huge: isHuge, sets }
}

/** Whether the first round has time for a patch, by what the set before took. */
function mayBegin(before: Patch | undefined, gone: number, isFirst: boolean): boolean {
  if (isFirst) return true
  return before?.cost !== undefined && gone + GROWTH * before.cost < FOR_BEGINNING
}

function mayRepeat(context: Context, { cost }: Patch): boolean {
  if (cost === undefined || context.timeIsUp()) return false
  return context.timeGone() + cost < FOR_REPEATING
}

function tell(context: Context, patches: readonly Patch[], wanted: number): void {
  const begun = patches.filter(({ cost }) => cost !== undefined)
  const found = begun.filter((patch) => takenOf(patch) > 0)
  noteRepetitions(context, 'latency', Math.min(...found.map(takenOf)), wanted)
  const largest = found.at(-1)?.bytes ?? 0
  if (begun.length < patches.length) {
    context.condition(
      `latency: no time for working sets of more than ${bytesText(largest)}; --runs ${wanted} takes it`,
    )
  }
  if (found.length < begun.length) {
    const small = begun.find((patch) => takenOf(patch) === 0)
    context.condition(
      `latency: too few huge pages for a working set of ${bytesText(small?.bytes ?? 0)}`,
    )
  }
  noteCaches(context, largest)
}

function rowsOf(context: Context, { bytes, pageBytes, cells }: Patch): LatencyRow[] {
  return cells.map(({ cpuNode, node, nsPerLoad }) => ({
    kind: 'idle',
    cpuNode: cpuNode.numaNode,
    node: node.role,
    numaNode: node.numaNode,
    workingSetBytes: bytes,
    pageBytes,
    threads: 0,
    trafficGBps: null,
    loadsPerSample: loadsOf(context, bytes),
    ...measured('ns', [nsPerLoad]),
  }))
}
