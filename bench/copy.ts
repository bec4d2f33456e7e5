// Bandwidth of one copying thread between blocks, for each pair of nodes.

import type { Emucxl } from '../lib/memory/emucxl.js'
import type { Node } from '../lib/memory/options.js'
import {
  blockBytes,
  type Context,
  type Experiment,
  noteRepetitions,
  type Table,
  turn,
  twoNodes,
} from './experiment.js'
import { type Measured, measured, mergeRows } from './measured.js'
import { verifyPlacement } from './placement.js'

const SAMPLES = 25
const LEAST = 32 * 2 ** 20

export interface CopyRow extends Measured {
  from: 'local' | 'remote'
  to: 'local' | 'remote'
  /** Bytes of each of the two blocks. */
  blockBytes: number
}

/** Two blocks on one node: what is copied from, and what is copied to. */
interface Pair {
  node: Node
  source: ArrayBuffer
  target: ArrayBuffer
}

interface Direction {
  from: Pair
  to: Pair
  /** Nanoseconds of each copy. */
  ns: number[]
}

/** Fills a block with what cannot be mistaken for another block, or for fresh memory. */
function mark(block: ArrayBuffer, seed: number): void {
  const bytes = new Uint8Array(block)
  for (let i = 0; i < Math.min(bytes.length, 4096); i++) bytes[i] = (i * 31 + seed) & 0xff
  for (let done = 4096; done < bytes.length; done *= 2) {
    bytes.copyWithin(done, 0, Math.min(done, bytes.length - done))
  }
}

function copyOnce(cxl: Emucxl, { from, to }: Direction): number {
  const began = process.hrtime.bigint()
  cxl.copy(to.target, 0, from.source, 0, from.source.byteLength)
  return Number(process.hrtime.bigint() - began)
}

/** Copies once more, into cleared memory, and compares. */
function verifyCopy(cxl: Emucxl, direction: Direction): void {
  const { from, to } = direction
  cxl.fill(to.target, 0)
  copyOnce(cxl, direction)
  if (Buffer.compare(new Uint8Array(to.target), new Uint8Array(from.source)) !== 0) {
    throw new Error(`what was copied from ${from.node.role} to ${to.node.role} memory differs`)
  }
}

async function measure(context: Context, directions: readonly Direction[]): Promise<void> {
  const { cxl, settings } = context
  const samples = settings.runs ?? SAMPLES
  for (const direction of directions) verifyCopy(cxl, direction) // warms up as well
  let taken = 0
  while (taken < samples && (taken === 0 || !context.timeIsUp())) {
    for (const direction of directions) direction.ns.push(copyOnce(cxl, direction))
    context.progress(++taken / samples)
    await turn()
  }
  noteRepetitions(context, 'copy', taken, samples)
}

async function run(context: Context): Promise<{ rows: CopyRow[] }> {
  const { cxl } = context
  const { local, remote } = twoNodes(cxl)
  const bytes = blockBytes(context, Math.max(LEAST, 2 * context.lastLevelCache), 2)
  if (!context.pinned) context.condition('copy: thread not pinned')
  const blocks: ArrayBuffer[] = []
  const alloc = (node: Node) => {
    const block = cxl.alloc(bytes, node.node, { prefault: true })
    blocks.push(block)
    return block
  }
  try {
    const pairs = [local, remote].map((node) => {
      const pair: Pair = { node, source: alloc(node), target: alloc(node) }
      mark(pair.source, 1 + node.node)
      return pair
    })
    const directions = pairs.flatMap((from) => pairs.map((to): Direction => ({ from, to, ns: [] })))
    verifyPlacement(context, blocks)
    await measure(context, directions)
    const rows = directions.map(({ from, to, ns }) => {
      return {
        from: from.node.role,
        to: to.node.role,
        blockBytes: bytes,
        // Bytes in a nanosecond are 10^9 bytes in a second.
        ...measured('GB/s', [ns.map((each) => bytes / each)]),
      }
    })
    return { rows }
  } finally {
    for (const block of blocks) cxl.free(block)
  }
}

function table(rows: readonly CopyRow[]): Table {
  const local = rows.find(({ from, to }) => from === 'local' && to === 'local')
  return {
    columns: [
      { head: 'direction' },
      { head: 'block', unit: 'MiB', digits: 0 },
      { head: 'best', unit: 'GB/s', digits: 2 },
      { head: 'median', unit: 'GB/s', digits: 2 },
      { head: 'ratio to', unit: 'the first', digits: 2 },
    ],
    rows: rows.map((row) => [
      `${row.from} → ${row.to}`,
      row.blockBytes / 2 ** 20,
      row.best,
      row.median,
      local === undefined || row === local ? undefined : row.median / local.median,
    ]),
    notes: rows
      .slice(0, 1)
      .map((row) => `${row.samples} × each way; GB/s are 10^9 bytes copied in a second.`),
  }
}

export const copy: Experiment<{ rows: CopyRow[] }> = {
  name: 'copy',
  description:
    'Bandwidth of one thread that copies a block, by cxl.copy, for each pair of nodes in turns.',
  effort: { quick: { processes: 1, seconds: 4 }, full: { processes: 3, seconds: 10 } },
  run,
  merge: (results) => ({ rows: mergeRows(results.map(({ rows }) => rows)) }),
  tables: ({ rows }) => [table(rows)],
}
