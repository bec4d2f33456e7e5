// What TypeScript sees of memory: how long loads and stores through an ArrayBuffer take, and calls, and
// from which size on a call pays.

import { COPIES, elementBytes, type Loop, type LoopKind, makeLoop, VIEWS } from './access/loops.js'
import { Accesses, type AccessKind, CACHED, Place, verifyContents } from './access/samples.js'
import { charts, tables } from './access/tables.js'
import { blockBytes, type Context, type Experiment, PAGE, twoNodes } from './harness/experiment.js'
import { type Measured, mergeResults } from './harness/measured.js'
import { verifyPlacement } from './harness/placement.js'
import { inRounds } from './harness/rounds.js'

const SAMPLES = 20
const CACHES = 4
const LEAST = 64 * 2 ** 20
const MOST = 2 ** 30
const COPY_BYTES = [8, 16, 64, 128, 256, 512, 1024, 2048, 4096, 16_384, 65_536]

export interface AccessRow extends AccessKind, Measured {}

type WorkingSet = Pick<AccessKind, 'set' | 'workingSetBytes'>

/** Bytes of the working sets: a power of two, of which the places of random accesses are drawn. */
function workingSets(context: Context): WorkingSet[] {
  const { lastLevelCache, condition } = context
  const power = (bytes: number, round: (x: number) => number) => 2 ** round(Math.log2(bytes))
  const wanted = power(Math.max(LEAST, CACHES * lastLevelCache), Math.ceil)
  const most = power(blockBytes(context, Math.min(MOST, wanted), 1), Math.floor)
  const bytes = Math.max(PAGE, most)
  if (lastLevelCache === 0) {
    condition('access: size of the caches unknown, some accesses may be answered by one')
  } else if (bytes < CACHES * lastLevelCache) {
    condition(
      `access: working set of less than ${CACHES} times the last-level cache, ` +
        'some accesses are answered by it',
    )
  }
  const memory = { set: 'memory', workingSetBytes: bytes } as const
  return bytes > CACHED ? [{ set: 'cache', workingSetBytes: CACHED }, memory] : [memory]
}

const OPERATIONS = ['load', 'store'] as const

function kinds(): LoopKind[] {
  const elements = VIEWS.flatMap((access) =>
    (['sequential', 'random'] as const).flatMap((order) =>
      OPERATIONS.map((operation) => ({ access, operation, order, bytes: elementBytes(access) })),
    ),
  )
  const calls = OPERATIONS.map(
    (operation) => ({ access: 'call', operation, order: 'sequential', bytes: 8 }) as const,
  )
  const copies = COPY_BYTES.flatMap((bytes) =>
    COPIES.flatMap((access) =>
      OPERATIONS.map((operation) => ({ access, operation, order: 'random', bytes }) as const),
    ),
  )
  return [...elements, ...calls, ...copies]
}

function subjectsOf(
  { cxl }: Context,
  sets: readonly WorkingSet[],
  places: readonly Place[],
): Accesses[] {
  const scratch = new Uint8Array(CACHED)
  const loops = new Map<string, Loop>()
  const loopOf = (kind: LoopKind): Loop => {
    const key = JSON.stringify(kind)
    const loop = loops.get(key) ?? makeLoop(kind)
    loops.set(key, loop)
    return loop
  }
  return kinds().flatMap((kind) => {
    const pair = { measured: loopOf(kind), load: loopOf({ ...kind, operation: 'load' }) }
    const fitting = sets.filter(({ workingSetBytes }) => 2 * kind.bytes <= workingSetBytes)
    return fitting.flatMap((set) =>
      places.map((place) => {
        const { role: node, numaNode } = place.node
        const row = { ...kind, node, numaNode, ...set, pageBytes: place.pageBytes }
        return new Accesses(cxl, place, row, pair, scratch)
      }),
    )
  })
}

async function run(context: Context): Promise<{ rows: AccessRow[] }> {
  const { cxl, condition, pinned } = context
  const { local, remote } = twoNodes(cxl)
  if (!pinned) condition('access: thread not pinned')
  if (cxl.modelled) {
    condition('access: modelled are calls alone, and not loads and stores through an ArrayBuffer')
  }
  const sets = workingSets(context)
  const bytes = Math.max(...sets.map(({ workingSetBytes }) => workingSetBytes))
  const blocks: ArrayBuffer[] = []
  // Loops check for freed blocks from the first one on that the process frees, as in any real program:
  // V8 is to know before it compiles them.
  cxl.free(cxl.alloc(PAGE, local.node))
  try {
    const places = [local, remote].map((node) => {
      const block = cxl.alloc(bytes, node.node, { prefault: true })
      blocks.push(block)
      return new Place(cxl, node, block)
    })
    verifyPlacement(context, blocks)
    const rows = await inRounds(context, 'access', subjectsOf(context, sets, places), SAMPLES)
    verifyPlacement(context, blocks)
    for (const place of places) verifyContents(place)
    return { rows }
  } finally {
    for (const block of blocks) cxl.free(block)
  }
}

export const access: Experiment<{ rows: AccessRow[] }> = {
  name: 'access',
  description:
    'What TypeScript sees: time of loads and stores by typed arrays and DataView, and of cxl.read and ' +
    'cxl.write, in loops that V8 has compiled, local and remote in turns.',
  effort: { quick: { processes: 1, seconds: 5 }, full: { processes: 3, seconds: 10 } },
  pinned: true,
  run,
  merge: mergeResults,
  tables: ({ rows }) => tables(rows),
  charts: ({ rows }) => charts(rows),
}
