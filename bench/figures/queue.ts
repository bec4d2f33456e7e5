// The queue against denque, a queue in JavaScript: numbers from 1,000 to 1,000,000 elements, structs
// against fresh objects; against the paper's way, a region for each element; what a long queue costs
// the garbage collector; and the first use.

import Denque from 'denque'
import { Emucxl, float64, int32, Queue, REMOTE_MEMORY, struct, uint32 } from '../../lib/index.js'
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

function structs(queue: Queue<Value>, count: number): number {
  let sum = 0
  const began = now()
  for (let done = 0; done < STRUCTS; done += count) {
    for (let i = 0; i < count; i++) {
      queue.enqueue({
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
      const value = queue.dequeue()
      if (value !== undefined) sum += value.price + value.limit
    }
  }
  if (!(sum > 0)) throw new Error('elements were lost')
  return (now() - began) / STRUCTS
}

function objects(queue: Denque<Value>, count: number): number {
  let sum = 0
  const began = now()
  for (let done = 0; done < STRUCTS; done += count) {
    for (let i = 0; i < count; i++) {
      queue.push({
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
      const value = queue.shift()
      if (value !== undefined) sum += value.price + value.limit
    }
  }
  if (!(sum > 0)) throw new Error('elements were lost')
  return (now() - began) / STRUCTS
}

function ofStructs(): Row[] {
  if (Order.size !== 64) throw new Error(`the struct has ${Order.size} bytes`)
  return [1000, 100_000].map((count) => {
    const ours = new Queue(cxl, Order)
    const theirs = new Denque<Value>()
    const times: [number, number][] = []
    for (let round = -20; round < ROUNDS; round++) {
      const row: [number, number] = [structs(ours, count), objects(theirs, count)]
      if (round >= 0) times.push(row)
    }
    ours.destroy()
    const [own, peer] = [median(times.map(([a]) => a)), median(times.map(([, b]) => b))]
    return {
      what: `enqueue + dequeue of ${count.toLocaleString('en-US')} structs of 64 B, 10 fields`,
      value: own / peer,
      unit: '× denque of objects',
      bound: { atMost: 1 },
      detail: `${own.toFixed(1)} against ${peer.toFixed(1)} ns`,
    }
  })
}

/** A full collection, beside a queue of so many elements. */
function collection(): number {
  const times: number[] = []
  for (let i = 0; i < 9; i++) {
    const began = now()
    globalThis.gc?.()
    times.push((now() - began) / 1e6)
  }
  return median(times)
}

async function ofCollections(): Promise<Row[]> {
  const elements = 5_000_000
  const heap = () => process.memoryUsage().heapUsed / 2 ** 20
  const queue = new Queue(cxl, int32)
  for (let i = 0; i < 5000; i++) queue.enqueue(i)
  globalThis.gc?.()
  await turn()
  const [before, empty] = [heap(), collection()]
  for (let i = 0; i < elements; i++) queue.enqueue(i)
  globalThis.gc?.()
  await turn()
  const [after, full] = [heap(), collection()]
  queue.destroy()
  return [
    {
      what: 'V8 heap that a queue of 5 million int32 adds',
      value: after - before,
      unit: 'MiB',
      bound: { atMost: 2 },
    },
    {
      what: 'a full collection beside it',
      value: full / empty,
      unit: '× without it',
      bound: { atMost: 1.25 },
      detail: `${full.toFixed(2)} against ${empty.toFixed(2)} ms, medians of 9`,
    },
  ]
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
  const rows = [firstUse(), ...(await ofCollections()), ...(await ofNumbers()), ...ofStructs()]
  cxl.close()
  return rows
})
