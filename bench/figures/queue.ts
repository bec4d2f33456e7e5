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

/** Fills a queue with `count` numbers and drains it, again and again: ns of one way in or out. */
function numbers(queue: Queue<number> | Denque<number>, count: number): [number, number] {
  let [into, out, sum] = [0, 0, 0]
  const rounds = OPERATIONS / count
  for (let round = 0; round < rounds; round++) {
    const began = now()
    if (queue instanceof Queue) for (let i = 0; i < count; i++) queue.enqueue(i)
    else for (let i = 0; i < count; i++) queue.push(i)
    const filled = now()
    if (queue instanceof Queue) for (let i = 0; i < count; i++) sum += queue.dequeue() as number
    else for (let i = 0; i < count; i++) sum += queue.shift() as number
    out += now() - filled
    into += filled - began
  }
  if (sum !== (rounds * count * (count - 1)) / 2) throw new Error('elements were lost')
  return [into / OPERATIONS, out / OPERATIONS]
}

async function ofNumbers(): Promise<Row[]> {
  const rows: Row[] = []
  const each: number[] = []
  const ours = new Queue(cxl, int32, { node: REMOTE_MEMORY })
  const theirs = new Denque<number>()
  for (const count of COUNTS) {
    const times: [number, number, number, number][] = []
    for (let round = -3; round < ROUNDS; round++) {
      const own = numbers(ours, count)
      const peer = numbers(theirs, count)
      if (round >= 0) times.push([...own, ...peer])
    }
    const of = (i: 0 | 1 | 2 | 3) => median(times.map((row) => row[i]))
    const name = `of ${count.toLocaleString('en-US')} int32`
    const detail = (i: 0 | 1) => `${of(i).toFixed(1)} against ${of((i + 2) as 2 | 3).toFixed(1)} ns`
    const bound = { atMost: 1.5 }
    rows.push(
      { what: `enqueue ${name}`, value: of(0) / of(2), unit: '× denque', bound, detail: detail(0) },
      { what: `dequeue ${name}`, value: of(1) / of(3), unit: '× denque', bound, detail: detail(1) },
    )
    each.push(of(0) + of(1))
  }
  ours.destroy()
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

/**
 * Fills and drains a queue of so many structs: ns of one way in and out. Compiled for each kind of queue,
 * as a program that has one of them would be.
 */
const fillAndDrain = (enqueue: string, dequeue: string) =>
  new Function(
    ...['queue', 'count', 'now'],
    `let sum = 0
    const began = now()
    for (let i = 0; i < count; i++) {
      queue.${enqueue}({
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
      })
    }
    for (let i = 0; i < count; i++) {
      const value = queue.${dequeue}()
      if (value !== undefined) sum += value.price + value.limit
    }
    if (!(sum > 0)) throw new Error('elements were lost')
    return now() - began`,
  ) as (queue: unknown, count: number, clock: () => number) => number

const WAYS = {
  ours: fillAndDrain('enqueue', 'dequeue'),
  byHand: fillAndDrain('enqueue', 'dequeue'),
  denque: fillAndDrain('push', 'shift'),
}

function ofStructs(): Row[] {
  if (Order.size !== 64) throw new Error(`the struct has ${Order.size} bytes`)
  return [1000, 100_000, 1_000_000].flatMap((count) => {
    const block = cxl.alloc(64 * count, 0)
    const queues = {
      ours: new Queue(cxl, Order),
      byHand: new Ring(block, count),
      denque: new Denque<Value>(),
    }
    const batches = Math.max(1, STRUCTS / count)
    const times: Record<keyof typeof WAYS, number[]> = { ours: [], byHand: [], denque: [] }
    const names = ['ours', 'byHand', 'denque'] as const
    for (let round = -ROUNDS / 2; round < ROUNDS; round++) {
      for (const name of names) {
        let sum = 0
        for (let i = 0; i < batches; i++) sum += WAYS[name](queues[name], count, now)
        if (round >= 0) times[name].push(sum / batches / count)
      }
    }
    queues.ours.destroy()
    cxl.free(block)
    const [own, hand, peer] = names.map((name) => median(times[name])) as [number, number, number]
    const what = `enqueue + dequeue of ${count.toLocaleString('en-US')} structs of 64 B, 10 fields`
    const unit = '× denque of objects'
    return [
      {
        ...{ what, value: own / peer, unit, bound: { atMost: 1 } },
        detail: `${own.toFixed(1)} against ${peer.toFixed(1)} ns`,
      },
      {
        ...{ what: 'the same by hand in a ring of typed arrays', value: hand / peer, unit },
        detail: `${hand.toFixed(1)} ns`,
      },
    ]
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
  rows.push(...(await ofNumbers()), ...ofStructs())
  cxl.close()
  return rows
})
