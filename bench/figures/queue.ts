// The queue against denque, a queue in JavaScript: numbers from 1,000 to 1,000,000 elements, structs
// against fresh objects; against the paper's way, a region for each element; what a long queue costs
// the garbage collector; and the first use.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import Denque from 'denque'
import { Emucxl, float64, int32, Queue, REMOTE_MEMORY, struct, uint32 } from '../../lib/index.js'
import { packageRoot } from '../../lib/memory/host.js'
import type { QueueRow } from '../queue.js'
import { median, now, type Row, report, turn } from './figure.js'

const ROUNDS = 20
const OPERATIONS = 1_000_000
const STRUCTS = 200_000
const COUNTS = [1000, 10_000, 100_000, 1_000_000]

const cxl = Emucxl.open({ backend: 'emulated' })

/** Nanoseconds of an element, on its way in and out. */
type Times = [into: number, out: number]
/** Fills a queue with so many elements, and drains it. */
type Way = (queue: unknown, count: number, clock: typeof now) => Times

/** What goes in and out of a queue, as text: expressions with `i`, with `value`, and with `sum`. */
interface Elements {
  element: string
  /** What is added up of a value that came out. */
  sum: string
  /** Whether the sum is right. */
  isRight: string
  /** Whether values that came out are kept for a while, so that they have to be made. */
  kept: boolean
}

/** A way compiled by itself, for one kind of queue, as a program that has only that would be. */
function way(
  [enqueue, dequeue]: readonly [string, string],
  { element, sum, isRight, kept }: Elements,
): Way {
  return new Function(
    ...['queue', 'count', 'now'],
    `let sum = 0
    const kept = new Array(64).fill()
    const began = now()
    for (let i = 0; i < count; i++) queue.${enqueue}(${element})
    const filled = now()
    for (let i = 0; i < count; i++) {
      const value = queue.${dequeue}()
      if (value !== undefined) sum += ${sum}
      ${kept ? 'kept[i & 63] = value' : ''}
    }
    const drained = now()
    if (!(${isRight})) throw new Error('elements were lost')
    return [(filled - began) / count, (drained - filled) / count]`,
  ) as Way
}

const OURS = ['enqueue', 'dequeue'] as const
const DENQUE = ['push', 'shift'] as const

/** Medians of ways by turns, each over so many elements at least in a round. */
function compare<Name extends string>(
  count: number,
  atLeast: number,
  subjects: Record<Name, readonly [Way, queue: unknown]>,
): Record<Name, Times> {
  const all = Object.entries<readonly [Way, queue: unknown]>(subjects)
  const times = new Map(all.map(([name]) => [name, [[], []] as [number[], number[]]]))
  const repeat = Math.max(1, atLeast / count)
  for (let round = -ROUNDS / 2; round < ROUNDS; round++) {
    for (const [name, [run, queue]] of round % 2 === 0 ? all : [...all].reverse()) {
      const sums: Times = [0, 0]
      for (let i = 0; i < repeat; i++) {
        const [into, out] = run(queue, count, now)
        sums[0] += into / repeat
        sums[1] += out / repeat
      }
      if (round >= 0) for (const i of [0, 1] as const) times.get(name)?.[i].push(sums[i])
    }
  }
  const medians = all.map(([name]) => [name, (times.get(name) ?? []).map(median)])
  return Object.fromEntries(medians) as Record<Name, Times>
}

const NUMBERS: Elements = {
  ...{ element: 'i', sum: 'value', isRight: 'sum === count * (count - 1) / 2', kept: false },
}

function ofNumbers(): Row[] {
  const rows: Row[] = []
  const each: number[] = []
  const queue = new Queue(cxl, int32, { node: REMOTE_MEMORY })
  const peer = new Denque<number>()
  const ways = { ours: way(OURS, NUMBERS), denque: way(DENQUE, NUMBERS) }
  for (const count of COUNTS) {
    const { ours, denque } = compare(count, OPERATIONS, {
      ours: [ways.ours, queue],
      denque: [ways.denque, peer],
    })
    for (const [i, operation] of ['enqueue', 'dequeue'].entries()) {
      const [own, theirs] = [ours[i] as number, denque[i] as number]
      rows.push({
        what: `${operation} of ${count.toLocaleString('en-US')} int32`,
        value: own / theirs,
        unit: '× denque',
        bound: { atMost: 1.5 },
        detail: `${own.toFixed(1)} against ${theirs.toFixed(1)} ns`,
      })
    }
    each.push(ours[0] + ours[1])
  }
  queue.destroy()
  const value = Math.max(...each) / Math.min(...each)
  const detail = each.map((ns) => `${ns.toFixed(1)} ns`).join(', ')
  const what = 'enqueue + dequeue, the slowest of these lengths against the fastest'
  return [...rows, { what, value, unit: '×', bound: { atMost: 2 }, detail }]
}

const Order = struct({
  ...{ id: uint32, user: uint32, price: float64, amount: float64, filled: float64, fee: float64 },
  ...{ side: int32, flags: int32, time: float64, limit: float64 },
})

type Value = ReturnType<typeof Order.load>

/**
 * The least that a queue in a block must do: a ring of typed arrays that never grows, and checks nothing
 * of what it is given.
 */
class Ring {
  readonly #floats: Float64Array
  readonly #ints: Int32Array
  readonly #uints: Uint32Array
  #head = 0
  #tail = 0
  #size = 0

  constructor(
    block: ArrayBuffer,
    readonly room: number,
  ) {
    this.#floats = new Float64Array(block)
    this.#ints = new Int32Array(block)
    this.#uints = new Uint32Array(block)
  }

  enqueue(value: Value): void {
    const at = this.#tail
    const [floats, ints, uints] = [this.#floats, this.#ints, this.#uints]
    uints[16 * at] = value.id
    uints[16 * at + 1] = value.user
    floats[8 * at + 1] = value.price
    floats[8 * at + 2] = value.amount
    floats[8 * at + 3] = value.filled
    floats[8 * at + 4] = value.fee
    ints[16 * at + 10] = value.side
    ints[16 * at + 11] = value.flags
    floats[8 * at + 6] = value.time
    floats[8 * at + 7] = value.limit
    this.#tail = at + 1 === this.room ? 0 : at + 1
    this.#size++
  }

  dequeue(): Value | undefined {
    if (this.#size === 0) return undefined
    const at = this.#head
    const [floats, ints, uints] = [this.#floats, this.#ints, this.#uints]
    this.#head = at + 1 === this.room ? 0 : at + 1
    this.#size--
    return {
      id: uints[16 * at] as number,
      user: uints[16 * at + 1] as number,
      price: floats[8 * at + 1] as number,
      amount: floats[8 * at + 2] as number,
      filled: floats[8 * at + 3] as number,
      fee: floats[8 * at + 4] as number,
      side: ints[16 * at + 10] as number,
      flags: ints[16 * at + 11] as number,
      time: floats[8 * at + 6] as number,
      limit: floats[8 * at + 7] as number,
    }
  }
}

const ORDER = `{
  id: i,
  user: i & 0xffff,
  price: i * 0.5,
  amount: 10,
  filled: 0,
  fee: 0.1,
  side: i & 1,
  flags: 3,
  time: i * 1e3,
  limit: i + 0.25,
}`
const ORDERS: Elements = {
  ...{ element: ORDER, sum: 'value.price + value.limit', isRight: 'sum > 0', kept: false },
}

function ofStructs(): Row[] {
  if (Order.size !== 64) throw new Error(`the struct has ${Order.size} bytes`)
  return [false, true].flatMap((kept) => {
    const orders = { ...ORDERS, kept }
    const ways = [way(OURS, orders), way(OURS, orders), way(DENQUE, orders)] as const
    return [1000, 100_000, 1_000_000].flatMap((count) => {
      const queue = new Queue(cxl, Order)
      const block = cxl.alloc(64 * count, 0)
      const { ours, byHand, denque } = compare(count, STRUCTS, {
        ours: [ways[0], queue],
        byHand: [ways[1], new Ring(block, count)],
        denque: [ways[2], new Denque<Value>()],
      })
      queue.destroy()
      cxl.free(block)
      const sum = ([into, out]: Times) => into + out
      const counted = count.toLocaleString('en-US')
      const what = `${counted} structs of 64 B, in and out, ${kept ? 'the last 64 kept' : 'two fields read'}`
      const unit = '× denque of objects'
      return [
        {
          ...{ what, value: sum(ours) / sum(denque), unit, bound: { atMost: 1 } },
          detail: `${sum(ours).toFixed(1)} against ${sum(denque).toFixed(1)} ns`,
        },
        {
          ...{ what: 'the same by hand in a ring of typed arrays', unit },
          ...{ value: sum(byHand) / sum(denque), detail: `${sum(byHand).toFixed(1)} ns` },
        },
      ]
    })
  })
}

/** A full collection where there is no garbage, in ms. */
function collection(): number {
  globalThis.gc?.()
  const began = now()
  globalThis.gc?.()
  return (now() - began) / 1e6
}

async function ofCollections(): Promise<Row[]> {
  const elements = 5_000_000
  const queue = new Queue(cxl, int32)
  const heap: [number[], number[]] = [[], []]
  const times: [number[], number[]] = [[], []]
  for (let round = -1; round < 9; round++) {
    for (const full of [0, 1] as const) {
      if (full === 1) for (let i = 0; i < elements; i++) queue.enqueue(i)
      await turn()
      const took = collection()
      if (round >= 0) times[full].push(took)
      if (round >= 0) heap[full].push(process.memoryUsage().heapUsed / 2 ** 20)
    }
    queue.clear()
  }
  queue.destroy()
  const [empty, full] = [median(times[0]), median(times[1])]
  return [
    {
      what: 'V8 heap that a queue of 5 million int32 adds',
      value: median(heap[1]) - median(heap[0]),
      unit: 'MiB',
      bound: { atMost: 2 },
    },
    {
      what: 'a full collection beside it',
      value: full / empty,
      unit: '× without it',
      bound: { atMost: 1.25 },
      detail: `${full.toFixed(2)} against ${empty.toFixed(2)} ms, medians of 9 by turns`,
    },
  ]
}

/** What `emucxl bench queue` tells of both variants: Table III's queue, and ours. */
function ofRegions(): Row[] {
  const words = [join(packageRoot, 'dist/lib/cli/main.js'), 'bench', 'queue', '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`emucxl bench queue failed:\n${stderr}`)
  const { rows } = JSON.parse(stdout).experiments.queue as { rows: QueueRow[] }
  return rows
    .filter(({ variant }) => variant === 'region')
    .map(({ operation, node, nsPerOperation, operations }) => {
      const slab = rows.find(
        (row) => row.variant === 'slab' && row.operation === operation && row.node === node,
      )
      const own = slab?.nsPerOperation ?? Number.NaN
      return {
        what: `${operation} of ${operations.toLocaleString('en-US')} int32, ${node}: emucxl bench queue`,
        value: nsPerOperation / own,
        unit: '× as fast as with a region each',
        bound: { atLeast: 500 },
        detail: `${own.toFixed(1)} against ${nsPerOperation.toFixed(0)} ns`,
      }
    })
}

function firstUse(): Row {
  const began = now()
  const queue = new Queue(cxl, int32)
  for (let i = 0; i < 500; i++) queue.enqueue(i)
  for (let i = 0; i < 500; i++) queue.dequeue()
  const value = (now() - began) / 1e6
  queue.destroy()
  const what = 'first use: a queue and its first 1,000 operations'
  return { what, value, unit: 'ms', bound: { atMost: 3 } }
}

await report(async () => {
  const rows = [firstUse(), ...(await ofCollections()), ...ofRegions()]
  rows.push(...ofNumbers(), ...ofStructs())
  cxl.close()
  return rows
})
