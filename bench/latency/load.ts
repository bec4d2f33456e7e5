// Loaded latency: one thread follows a chain while none, one, two, … others read from the same memory.

import type { Node } from '../../lib/memory/options.js'
import { cpuNodes, threadCounts } from '../harness/cpus.js'
import { type Context, noteRepetitions, turn } from '../harness/experiment.js'
import { allocPages } from '../harness/huge-pages.js'
import { measured } from '../harness/measured.js'
import { verifyPlacement } from '../harness/placement.js'
import { summarize } from '../harness/statistics.js'
import { CACHES, type LatencyRow } from './row.js'
import { type Idle, noteCaches } from './sets.js'

/** Samples of a round, and rounds, each in fresh blocks. */
const SAMPLES = 8
const ROUNDS = { quick: 1, full: 3 }
/** Loads of a sample: some ten milliseconds, in which what the others read is told well, too. */
const LOADS = 100_000
/** What of the time that is left linking a round's chains may take. */
const SHARE_OF_LINKING = 0.7

interface Cell {
  node: Node
  threads: number
  nsPerLoad: number[]
  trafficGBps: number[]
}

/** A chain to follow, and what the others read. */
interface Memory {
  chain: Uint8Array
  traffic: Uint8Array
}

type Blocks = Map<Node, Memory>

/** The largest set that is needed, that two blocks of a node have room for, and that time is left for. */
function chooseSet({ lastLevelCache, memoryOfEach, timeGone }: Context, { sets }: Idle): number {
  const enough = sets.find(({ bytes }) => lastLevelCache > 0 && bytes >= CACHES * lastLevelCache)
  const left = SHARE_OF_LINKING * (1 - timeGone())
  const [smallest, ...larger] = sets.filter(({ bytes }) => bytes <= (enough?.bytes ?? Infinity))
  const fitting = larger.filter(({ bytes, cost }) => 2 * bytes <= memoryOfEach && cost <= left)
  return (fitting.at(-1) ?? smallest)?.bytes ?? 0
}

async function takeSample(context: Context, blocks: Blocks, cell: Cell, cpus: readonly number[]) {
  const { addon } = await import('../../lib/memory/addon.js')
  const { chain, traffic } = blocks.get(cell.node) as Memory
  const [own = -1, ...others] = cpus
  const busy = others.slice(0, cell.threads)
  const running = busy.length === 0 ? undefined : addon.startTraffic('read', [[traffic]], [1], busy)
  let pinned = true
  try {
    addon.chase(chain, LOADS / 4, 1, 0, own) // until the load is what it will be
    const chased = addon.chase(chain, LOADS, 1, 0, own)
    cell.nsPerLoad.push(...chased.nsPerLoad)
    pinned = chased.pinned
  } finally {
    if (running === undefined) cell.trafficGBps.push(0)
    else {
      const found = addon.stopTraffic(running)
      cell.trafficGBps.push(found.ns === 0 ? 0 : found.bytes / found.ns)
      pinned &&= found.pinned
    }
  }
  if (!pinned) context.condition('latency: thread not pinned')
}

/** Takes a sample of each cell, `samples` times, in fresh blocks. */
async function takeRound(
  context: Context,
  cells: readonly Cell[],
  bytes: number,
  huge: boolean,
  samples: number,
  round: number,
): Promise<number> {
  const { addon } = await import('../../lib/memory/addon.js')
  const { cxl } = context
  const cpus = cpuNodes(context)[0].cpus
  const all: ArrayBuffer[] = []
  const pages: number[] = []
  const alloc = (node: Node) => {
    const { block, pageBytes } = allocPages(cxl, bytes, node, huge)
    all.push(block)
    pages.push(pageBytes)
    return new Uint8Array(block, 0, bytes)
  }
  try {
    const nodes = [...new Set(cells.map(({ node }) => node))]
    const blocks: Blocks = new Map()
    for (const node of nodes) blocks.set(node, { chain: alloc(node), traffic: alloc(node) })
    verifyPlacement(context, all)
    for (const [node, { chain }] of blocks) {
      addon.chase(chain, 1, 0, 1 + node.node + cxl.nodes.length * round, -1)
      await turn()
    }
    for (let i = 0; i < samples; i++) {
      for (const cell of (i + round) % 2 === 0 ? cells : [...cells].reverse()) {
        await takeSample(context, blocks, cell, cpus)
      }
      await turn()
      if (context.timeIsUp()) break
    }
    return Math.min(...pages)
  } finally {
    for (const block of all) cxl.free(block)
  }
}

export async function measureLoaded(
  context: Context,
  idle: Idle,
  progress: (done: number) => void,
): Promise<LatencyRow[]> {
  const { cxl, settings, condition } = context
  const { cpus, numaNode: cpuNode } = cpuNodes(context)[0]
  const bytes = chooseSet(context, idle)
  if (bytes !== idle.sets.at(-1)?.bytes) noteCaches(context, bytes)
  const caches = cpus.length > 1 ? context.countCaches(cpus) : 1
  if (caches > 1 && bytes < CACHES * caches * context.lastLevelCache) {
    condition(
      `latency: other threads read less than ${CACHES} times all last-level caches together, ` +
        'so that some of their traffic is that of caches',
    )
  }
  if (cpus.length < 2) {
    condition('latency: no second CPU of the same node, so there is no latency under load')
  }
  const cells = threadCounts(0, cpus.length - 1).flatMap((threads) =>
    cxl.nodes.map((node): Cell => ({ node, threads, nsPerLoad: [], trafficGBps: [] })),
  )
  const most = ROUNDS[settings.quick === true ? 'quick' : 'full']
  const wanted = settings.runs ?? SAMPLES * most
  const taken = () => cells[0]?.nsPerLoad.length ?? 0
  let pageBytes = Number.POSITIVE_INFINITY
  for (let left = Math.min(most, wanted); left > 0; left--) {
    const samples = Math.ceil((wanted - taken()) / left)
    const pages = await takeRound(context, cells, bytes, idle.huge, samples, left)
    pageBytes = Math.min(pageBytes, pages)
    progress(taken() / wanted)
    if (context.timeIsUp()) break
  }
  progress(1)
  noteRepetitions(context, 'latency under load', taken(), wanted)
  return cells.map(({ node, threads, nsPerLoad, trafficGBps }) => ({
    kind: 'loaded',
    cpuNode,
    node: node.role,
    numaNode: node.numaNode,
    workingSetBytes: bytes,
    pageBytes,
    threads,
    trafficGBps: summarize(trafficGBps).median,
    loadsPerSample: LOADS,
    ...measured('ns', [nsPerLoad]),
  }))
}
