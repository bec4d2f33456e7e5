// What a block costs before and after it is used: to allocate it, to touch each of its pages for the
// first time, and to free it.

import { bytesText } from '../lib/cli/units.js'
import type { Emucxl } from '../lib/memory/emucxl.js'
import type { Node, PageOptions } from '../lib/memory/options.js'
import { type Chart, linesOf } from './harness/chart.js'
import {
  blockSizes,
  type Context,
  type Experiment,
  PAGE,
  type Table,
  twoNodes,
} from './harness/experiment.js'
import { areHuge, HUGE_PAGE } from './harness/huge-pages.js'
import { type Measured, mergeResults } from './harness/measured.js'
import { verifyPlacement } from './harness/placement.js'
import { collectGarbage, inRounds, now, type Subject, settle } from './harness/rounds.js'

const KIB = 2 ** 10
const MIB = 2 ** 20
const SIZES = [4 * KIB, 64 * KIB, MIB, 16 * MIB, 64 * MIB]
const SAMPLES = 25
/** A sample of small blocks has more than one: so many, of so many bytes together, at most. */
const BLOCKS = 64
const BYTES = MIB

interface Kind {
  /** `touch`: one byte is written in each page of 4 KiB, none of which has memory before. */
  operation: 'alloc' | 'touch' | 'free'
  /** What a figure is the time of: of a whole block, or of 4 KiB of it, whatever its pages are. */
  per: 'block' | '4 KiB'
  node: 'local' | 'remote'
  numaNode: number
  blockBytes: number
  /** Bytes of the pages that the kernel gave. */
  pageBytes: number
}

export interface AllocRow extends Kind, Measured {}

/** Which block is measured. */
interface Shape {
  node: Node
  blockBytes: number
  pageBytes: number
}

const MARK = 0xa5

/** The first touch of each page. */
function touch(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PAGE) bytes[at] = MARK
}

/** Throws where a page lacks what was written, or has more than that. */
function verifyPages(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PAGE) {
    if (bytes[at] !== MARK) throw new Error(`what was written to a new block at ${at} is not there`)
    const last = Math.min(at + PAGE, bytes.length) - 1
    if (bytes[last] !== 0) throw new Error(`a new block was not zeroed at ${last}`)
  }
}

/** Frees blocks, of which none is left then. */
function freeAll(cxl: Emucxl, blocks: ArrayBuffer[]): void {
  for (const block of blocks.splice(0)) cxl.free(block)
}

/** Nanoseconds of a block, for each operation, as a mean of several that live at the same time. */
async function sample(context: Context, { node, blockBytes, pageBytes }: Shape) {
  const { cxl } = context
  const count = Math.max(1, Math.min(BLOCKS, Math.floor(BYTES / blockBytes)))
  const options: PageOptions = { hugePages: pageBytes === PAGE ? 'off' : 'prefer' }
  const blocks: ArrayBuffer[] = []
  // A sample is not to pay for what the one before left.
  collectGarbage()
  await settle(cxl)
  try {
    const began = now()
    for (let i = 0; i < count; i++) blocks.push(cxl.alloc(blockBytes, node.node, options))
    const allocated = now()
    const views = blocks.map((block) => new Uint8Array(block))
    const untouched = now()
    for (const view of views) touch(view)
    const touched = now()
    verifyPlacement(context, blocks)
    for (const view of views) verifyPages(view)
    const whole = now()
    freeAll(cxl, blocks)
    const freed = now()
    return {
      alloc: (allocated - began) / count,
      touch: (touched - untouched) / count,
      free: (freed - whole) / count,
    }
  } finally {
    freeAll(cxl, blocks)
  }
}

function subjectOf(context: Context, shape: Shape): Subject<Kind> {
  const { node, blockBytes, pageBytes } = shape
  const row = (operation: Kind['operation'], per: Kind['per'] = 'block'): Kind => {
    return { operation, per, node: node.role, numaNode: node.numaNode, blockBytes, pageBytes }
  }
  return {
    figures: [
      { row: row('alloc'), unit: 'us' },
      { row: row('touch'), unit: 'us' },
      { row: row('touch', '4 KiB'), unit: 'ns/page' },
      { row: row('free'), unit: 'us' },
    ],
    sample: async () => {
      const ns = await sample(context, shape)
      return [ns.alloc / 1e3, ns.touch / 1e3, ns.touch / (blockBytes / PAGE), ns.free / 1e3]
    },
  }
}

function shapesOf(context: Context): Shape[] {
  const { cxl, condition } = context
  const { local, remote } = twoNodes(cxl)
  const sizes = blockSizes(context, SIZES, 1)
  const large = sizes.filter((size) => size >= HUGE_PAGE)
  const huge = large.filter((size) => areHuge(cxl, [local, remote], size))
  if (huge.length < large.length) {
    const without = large.filter((size) => !huge.includes(size)).map(bytesText)
    condition(`alloc: the kernel gave no huge pages to blocks of ${without.join(', ')}`)
  }
  const both = (blockBytes: number, pageBytes: number) =>
    [local, remote].map((node) => ({ node, blockBytes, pageBytes }))
  return [
    ...sizes.flatMap((size) => both(size, PAGE)),
    ...huge.flatMap((size) => both(size, HUGE_PAGE)),
  ]
}

async function run(context: Context): Promise<{ rows: AllocRow[] }> {
  if (!context.pinned) context.condition('alloc: thread not pinned')
  const subjects = shapesOf(context).map((shape) => subjectOf(context, shape))
  const rows = await inRounds(context, 'alloc', subjects, SAMPLES)
  await settle(context.cxl)
  return { rows }
}

const FIGURES = [
  ['alloc', 'block'],
  ['touch', 'block'],
  ['touch', '4 KiB'],
  ['free', 'block'],
] as const

function table(rows: readonly AllocRow[]): Table {
  const blocks = rows.filter(({ operation }) => operation === 'alloc')
  const medians = ({ blockBytes, pageBytes, node }: AllocRow) =>
    FIGURES.map(
      ([operation, per]) =>
        rows.find(
          (row) =>
            row.operation === operation &&
            row.per === per &&
            row.blockBytes === blockBytes &&
            row.pageBytes === pageBytes &&
            row.node === node,
        )?.median,
    )
  const first = rows[0]
  return {
    columns: [
      { head: 'block' },
      { head: 'pages' },
      { head: 'node' },
      { head: 'alloc', unit: 'µs', digits: 2 },
      { head: 'touch', unit: 'µs', digits: 2 },
      { head: 'each', unit: 'ns/4 KiB', digits: 0 },
      { head: 'free', unit: 'µs', digits: 2 },
    ],
    rows: blocks.map((row) => [
      bytesText(row.blockBytes),
      bytesText(row.pageBytes),
      row.node,
      ...medians(row),
    ]),
    notes: [
      `Medians${first === undefined ? '' : `, N = ${first.samples}`}. A block has no memory until it is ` +
        'touched: one byte of each 4 KiB is written, by TypeScript. Freed are blocks that were ' +
        'touched. Garbage is collected between samples; but V8 counts blocks of more than 32 MiB as its ' +
        'own, and may collect when one is allocated.',
    ],
  }
}

function chart(rows: readonly AllocRow[], operation: Kind['operation'], title: string): Chart {
  const of = rows.filter((row) => row.operation === operation && row.per === 'block')
  return {
    title,
    kind: 'line',
    x: { name: 'block', unit: 'B', log: true },
    y: { name: 'time', unit: 'µs', log: true },
    series: linesOf(
      of,
      ({ node, pageBytes }) => `${node}, pages of ${bytesText(pageBytes)}`,
      ({ blockBytes, median }) => [blockBytes, median],
    ),
    notes: ['Medians. Both axes are logarithmic.'],
  }
}

export const alloc: Experiment<{ rows: AllocRow[] }> = {
  name: 'alloc',
  description:
    'Time to allocate a block, to write to each of its pages for the first time, and to free it, by ' +
    'size and by size of the pages, local and remote in turns.',
  effort: { quick: { processes: 1, seconds: 5 }, full: { processes: 3, seconds: 10 } },
  pinned: true,
  run,
  merge: mergeResults,
  tables: ({ rows }) => [table(rows)],
  charts: ({ rows }) => [
    chart(rows, 'alloc', 'Allocating a block'),
    chart(rows, 'touch', 'First touch of all pages of a block'),
    chart(rows, 'free', 'Freeing a block'),
  ],
}
