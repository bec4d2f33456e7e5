// Slab caches against malloc and free of two C libraries: one object at a time, and batches that are
// freed in the order of allocation. And what the accessors of structs cost.

import {
  Emucxl,
  float64,
  int32,
  NULL_REF,
  ref,
  SlabCache,
  StructCache,
  struct,
  uint32,
} from '../../lib/index.js'
import { MallocPeer } from '../peers/peers.js'
import { interleave, median, now, type Row, report } from './figure.js'

const SIZES = [64, 256, 1024]
const ROUNDS = 30
const WARM_UP = 30
const PAIRS = 200_000
const BATCH = 10_000

const cxl = Emucxl.open({ backend: 'emulated' })

function pairs(cache: SlabCache): number {
  const began = now()
  for (let i = 0; i < PAIRS; i++) cache.free(cache.alloc())
  return (now() - began) / PAIRS
}

const refs = new Array<number>(BATCH).fill(0.5) // doubles, for V8

function batches(cache: SlabCache): number {
  const began = now()
  for (let done = 0; done < PAIRS; done += BATCH) {
    for (let i = 0; i < BATCH; i++) refs[i] = cache.alloc()
    for (let i = 0; i < BATCH; i++) cache.free(refs[i] as number)
  }
  return (now() - began) / PAIRS
}

const PEERS = ['mimalloc', 'jemalloc'] as const
type Peers = Record<(typeof PEERS)[number], MallocPeer>

interface Comparison {
  what: 'pair' | 'batch'
  name: string
  ours: (cache: SlabCache) => number
  bounds: Record<(typeof PEERS)[number], number>
}

const COMPARISONS: Comparison[] = [
  {
    what: 'pair',
    name: 'alloc + free',
    ours: pairs,
    bounds: { mimalloc: 1, jemalloc: 1 },
  },
  {
    what: 'batch',
    name: `alloc + free in batches of ${BATCH}`,
    ours: batches,
    bounds: { mimalloc: 1.5, jemalloc: 1 },
  },
]

/** Rows for one size, ours and theirs measured in turns. */
async function compare({ what, name, ours, bounds }: Comparison, size: number, peers: Peers) {
  const times: Record<string, number[]> = { ours: [], mimalloc: [], jemalloc: [] }
  using cache = new SlabCache(cxl, { objectSize: size })
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const own = ours(cache)
    const theirs = [await peers.mimalloc.measure(what, size, PAIRS)]
    theirs.push(await peers.jemalloc.measure(what, size, PAIRS))
    if (round < 0) continue
    for (const [i, who] of ['ours', ...PEERS].entries()) {
      times[who]?.push([own, ...theirs][i] as number)
    }
  }
  const of = (who: string) => median(times[who] ?? [])
  return PEERS.map((who): Row => {
    return {
      what: `${name}, ${size} B`,
      value: of('ours') / of(who),
      unit: `× ${who}`,
      bound: { atMost: bounds[who] },
      detail: `${of('ours').toFixed(1)} against ${of(who).toFixed(1)} ns`,
    }
  })
}

const Node = struct({ id: uint32, flags: int32, x: float64, y: float64, next: ref })

/** Fields of structs, through the accessors and by hand. */
async function fields(): Promise<Row[]> {
  const count = 1000
  using nodes = new StructCache(cxl, Node)
  const all = Array.from({ length: count }, (_, i) =>
    nodes.create({ id: i, flags: -i, x: i, y: -i, next: NULL_REF }),
  )
  const view = new DataView(cxl.alloc(count * Node.size, 0))
  let sum = 0
  const repeat = 50
  const times = await interleave(100, {
    accessors: () => {
      for (let k = 0; k < repeat; k++) {
        for (let i = 0; i < count; i++) {
          const node = all[i] as number
          nodes.set.x(node, nodes.get.x(node) + nodes.get.id(node))
        }
      }
    },
    struct: () => {
      for (let k = 0; k < repeat; k++) {
        for (let at = 0; at < count * Node.size; at += Node.size) {
          Node.set.x(view, at, Node.get.x(view, at) + Node.get.id(view, at))
        }
      }
    },
    byHand: () => {
      for (let k = 0; k < repeat; k++) {
        for (let at = 0; at < count * Node.size; at += Node.size) {
          view.setFloat64(at + 8, view.getFloat64(at + 8, true) + view.getUint32(at, true), true)
        }
      }
    },
    load: () => {
      for (let k = 0; k < repeat; k++) {
        for (let i = 0; i < count; i++) sum += nodes.load(all[i] as number).y
      }
    },
  })
  const each = (ns: number) => ns / repeat / count
  const detail = (ns: number) => `${each(ns).toFixed(2)} ns`
  return [
    {
      what: 'two fields of a struct read, one written, at an offset',
      value: times.struct / times.byHand,
      unit: '× DataView by hand',
      bound: { atMost: 1.1 },
      detail: `${detail(times.struct)} against ${detail(times.byHand)}`,
    },
    {
      what: 'the same by ref, which is checked each time',
      value: times.accessors / times.byHand,
      unit: '× DataView by hand',
      detail: detail(times.accessors),
    },
    {
      what: 'load() of a struct by ref',
      value: each(times.load),
      unit: 'ns',
      detail: `${sum > 0}`,
    },
  ]
}

await report(async () => {
  const peers = { mimalloc: new MallocPeer('mimalloc'), jemalloc: new MallocPeer('jemalloc') }
  const rows: Row[] = []
  for (const comparison of COMPARISONS) {
    for (const size of SIZES) rows.push(...(await compare(comparison, size, peers)))
  }
  for (const peer of Object.values(peers)) peer.close()
  rows.push(...(await fields()))
  cxl.close()
  return rows
})
