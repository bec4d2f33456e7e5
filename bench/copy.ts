// Bandwidth of one copying thread between blocks, for each pair of nodes.

import type { Node } from '../lib/memory/options.js'
import { type Context, type Experiment, type Table, turn, twoNodes } from './experiment.js'
import { verifyPlacement } from './placement.js'
import { summarize } from './statistics.js'

const SAMPLES = 25
const LEAST = 32 * 2 ** 20

export interface CopyRow {
  from: 'local' | 'remote'
  to: 'local' | 'remote'
  /** Bytes of each of the two blocks. */
  blockBytes: number
  samples: number
  /** 10^9 bytes copied in a second. */
  bestGBps: number
  medianGBps: number
}

interface Direction {
  from: Node
  to: Node
  source: ArrayBuffer
  target: ArrayBuffer
  ns: number[]
}

function blockSize({ settings, lastLevelCache, memoryLimit }: Context): number {
  const wanted = Math.max(LEAST, 2 * lastLevelCache)
  return Math.floor(settings.size ?? Math.min(wanted, memoryLimit / 4))
}

/** Fills a block with what cannot be mistaken for another block, or for fresh memory. */
function mark(block: ArrayBuffer, seed: number): void {
  const bytes = new Uint8Array(block)
  for (let i = 0; i < Math.min(bytes.length, 4096); i++) bytes[i] = (i * 31 + seed) & 0xff
  for (let done = 4096; done < bytes.length; done *= 2) {
    bytes.copyWithin(done, 0, Math.min(done, bytes.length - done))
  }
}

async function run(context: Context): Promise<CopyRow[]> {
  const { cxl, settings } = context
  const { local, remote } = twoNodes(cxl)
  const bytes = blockSize(context)
  const samples = settings.runs ?? SAMPLES
  const blocks: ArrayBuffer[] = []
  if (!context.pinned) context.condition('thread not pinned')
  try {
    const pairs = [local, remote].map(({ node }) => {
      const pair = [0, 1].map(() => cxl.alloc(bytes, node, { prefault: true })) as [
        ArrayBuffer,
        ArrayBuffer,
      ]
      blocks.push(...pair)
      return pair
    }) as [[ArrayBuffer, ArrayBuffer], [ArrayBuffer, ArrayBuffer]]
    const directions: Direction[] = [local, remote].flatMap((from) =>
      [local, remote].map((to) => ({
        from,
        to,
        source: pairs[from === local ? 0 : 1][0],
        target: pairs[to === local ? 0 : 1][1],
        ns: [],
      })),
    )
    pairs.forEach(([source], i) => {
      mark(source, 1 + i)
    })
    verifyPlacement(context, blocks)
    // The first round warms up and is not counted.
    for (let i = -1; i < samples; i++) {
      for (const { source, target, ns } of directions) {
        const began = process.hrtime.bigint()
        cxl.copy(target, 0, source, 0, bytes)
        if (i >= 0) ns.push(Number(process.hrtime.bigint() - began))
      }
      context.progress((i + 1) / samples)
      await turn()
    }
    for (const { source, target, from, to } of directions) {
      new Uint8Array(target).fill(0)
      cxl.copy(target, 0, source, 0, bytes)
      if (Buffer.compare(new Uint8Array(target), new Uint8Array(source)) !== 0) {
        throw new Error(`what was copied from ${from.role} to ${to.role} memory differs`)
      }
    }
    return directions.map(({ from, to, ns }) => {
      const { best, median } = summarize(ns)
      return {
        from: from.role,
        to: to.role,
        blockBytes: bytes,
        samples: ns.length,
        bestGBps: bytes / best, // bytes in a nanosecond are 10^9 bytes in a second
        medianGBps: bytes / median,
      }
    })
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
      { head: 'median', unit: 'to local → local', digits: 2 },
    ],
    rows: rows.map((row) => [
      `${row.from} → ${row.to}`,
      row.blockBytes / 2 ** 20,
      row.bestGBps,
      row.medianGBps,
      local === undefined || row === local ? undefined : row.medianGBps / local.medianGBps,
    ]),
    notes: rows
      .slice(0, 1)
      .map((row) => `${row.samples} copies each way; GB/s are 10^9 bytes copied in a second.`),
  }
}

export const copy: Experiment<CopyRow> = {
  name: 'copy',
  description:
    'Bandwidth of one thread that copies a block, by cxl.copy, for each pair of nodes in turns.',
  run,
  table,
}
