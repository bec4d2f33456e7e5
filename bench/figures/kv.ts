// The store against lru-cache, a cache in JavaScript, and lmdb, a database in shared memory: reads and writes
// of 1,000 and of 1,000,000 entries, with keys of 10 bytes and values of 100; what a million entries cost the
// heap of V8, its collections, and memory; and the longest call with ten million.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { open as openLmdb } from 'lmdb'
import { LRUCache } from 'lru-cache'
import { Emucxl, KvStore } from '../../lib/index.js'
import { footprint, MiB, median, now, type Row, report, turn } from './figure.js'

const KEY_BYTES = 10
const VALUE_BYTES = 100
const READS = 300_000
const SKEW = 0.99

type Kind = 'bytes' | 'strings'
type Value = Uint8Array | string

function keyOf(i: number): string {
  return `k${String(i).padStart(KEY_BYTES - 1, '0')}`
}

function keysOf(entries: number): string[] {
  return Array.from({ length: entries }, (_, i) => Buffer.from(keyOf(i)).toString('latin1'))
}

/** Entries in the order in which they are read. */
function orderOf(entries: number, isSkewed: boolean): Uint32Array {
  if (!isSkewed) return Uint32Array.from({ length: READS }, () => Math.random() * entries)
  const places = Uint32Array.from({ length: entries }, (_, i) => i)
  for (let i = entries - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[places[i], places[j]] = [places[j] as number, places[i] as number]
  }
  let sum = 0
  const sums = Float64Array.from({ length: entries }, (_, i) => (sum += (i + 1) ** -SKEW))
  return Uint32Array.from({ length: READS }, () => {
    const wanted = Math.random() * sum
    let [from, to] = [0, entries - 1]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((sums[middle] as number) < wanted) from = middle + 1
      else to = middle
    }
    return places[from] as number
  })
}

/** How each of the three is made, and used: the latter as text, to be compiled for it alone. */
interface Subject {
  make(kind: Kind, entries: number): unknown
  end(subject: unknown): void
  put: string
}

const folder = mkdtempSync(join(tmpdir(), 'emucxl-'))
let databases = 0

const SUBJECTS = {
  emucxl: {
    make: (kind: Kind) => {
      const cxl = Emucxl.open({ backend: 'emulated' })
      return new KvStore(cxl, { codec: kind === 'bytes' ? 'bytes' : 'utf8' })
    },
    end: (store: KvStore) => store.destroy(),
    put: 'for (let i = 0; i < order.length; i++) subject.put(KEY, value)',
  },
  // What is put goes on being the caller's, so that bytes have to be copied.
  'lru-cache': {
    make: (_: Kind, entries: number) => new LRUCache<string, Value>({ max: entries }),
    end: (cache: LRUCache<string, Value>) => cache.clear(),
    put: `for (let i = 0; i < order.length; i++)
      subject.set(KEY, typeof value === 'string' ? value : Buffer.from(value))`,
  },
  // All in one transaction, and nothing is synced to the disk.
  lmdb: {
    make: (kind: Kind) =>
      openLmdb({
        path: join(folder, String(databases++)),
        encoding: kind === 'bytes' ? 'binary' : 'string',
        noSync: true,
      }),
    end: (database: { close(): unknown }) => database.close(),
    put: `subject.transactionSync(() => {
      for (let i = 0; i < order.length; i++) subject.putSync(KEY, value)
    })`,
  },
} as unknown as Record<'emucxl' | 'lru-cache' | 'lmdb', Subject>

type Name = keyof typeof SUBJECTS
const NAMES = Object.keys(SUBJECTS) as Name[]
type Loop = (
  subject: unknown,
  order: Uint32Array,
  keys: readonly string[],
  requests: Buffer,
  value: Value,
) => number

/** Where a key comes from: out of a request, as in a service, or from strings that were put, or equal ones. */
const KEYS = {
  'new strings': `requests.latin1Slice(${KEY_BYTES} * i, ${KEY_BYTES} * i + ${KEY_BYTES})`,
  'old strings': 'keys[order[i]]',
}

function loop(body: string, key: keyof typeof KEYS): Loop {
  const text = `let sum = 0\n${body.replaceAll('KEY', KEYS[key])}\nreturn sum`
  return new Function('subject', 'order', 'keys', 'requests', 'value', text) as Loop
}

function getLoop(kind: Kind, key: keyof typeof KEYS): Loop {
  const at = (i: number) => (kind === 'bytes' ? `value[${i}]` : `value.charCodeAt(${i})`)
  const body = `for (let i = 0; i < order.length; i++) {
    const value = subject.get(KEY)
    sum += ${at(0)} + ${at(VALUE_BYTES - 1)}
  }`
  return loop(body, key)
}

/** Keys one after another, as requests have them. */
function requestsOf(order: Uint32Array): Buffer {
  const requests = Buffer.alloc(KEY_BYTES * order.length)
  for (const [i, entry] of order.entries()) requests.write(keyOf(entry), KEY_BYTES * i, 'latin1')
  return requests
}

async function compare(
  rounds: number,
  run: (name: Name) => number | Promise<number>,
): Promise<Record<Name, number>> {
  const times: Record<Name, number[]> = { emucxl: [], 'lru-cache': [], lmdb: [] }
  for (let round = -1; round < rounds; round++) {
    for (const name of round % 2 === 0 ? NAMES : [...NAMES].reverse()) {
      await turn()
      const time = await run(name)
      if (round >= 0) times[name].push(time)
    }
  }
  return {
    emucxl: median(times.emucxl),
    'lru-cache': median(times['lru-cache']),
    lmdb: median(times.lmdb),
  }
}

function rowsOf(
  what: string,
  times: Record<Name, number>,
  bounds: Partial<Record<Name, number>>,
): Row[] {
  return (['lru-cache', 'lmdb'] as const).map((name) => {
    const atMost = bounds[name]
    return {
      what: name === 'lmdb' ? `${what}: lmdb` : what,
      value: times.emucxl / times[name],
      unit: `× ${name}`,
      ...(atMost === undefined ? {} : { bound: { atMost } }),
      detail: `${times.emucxl.toFixed(0)} against ${times[name].toFixed(0)} ns`,
    }
  })
}

async function ofSpeed(kind: Kind, entries: number): Promise<Row[]> {
  const keys = keysOf(entries)
  const text = 'v'.repeat(VALUE_BYTES)
  const value = kind === 'bytes' ? new Uint8Array(Buffer.from(text)) : text
  const all = Uint32Array.from(keys, (_, i) => i)
  const allRequests = requestsOf(all)
  const putAll = loopsBy((name) => loop(SUBJECTS[name].put, 'new strings'))
  const counted = `${entries.toLocaleString('en-US')} entries`
  const rows: Row[] = []
  const isLarge = entries > 100_000

  const fill = (name: Name) => {
    const subject = SUBJECTS[name].make(kind, entries)
    const began = now()
    putAll[name](subject, all, keys, allRequests, value)
    return { subject, time: (now() - began) / entries }
  }
  const filled = await compare(isLarge ? 3 : 300, (name) => {
    const { subject, time } = fill(name)
    SUBJECTS[name].end(subject)
    return time
  })
  rows.push(
    ...rowsOf(
      `PUT of ${kind}, ${counted}, new`,
      filled,
      isLarge ? { 'lru-cache': 1, lmdb: 1 / 4 } : {},
    ),
  )

  const subjects = { emucxl: fill('emucxl'), 'lru-cache': fill('lru-cache'), lmdb: fill('lmdb') }
  for (const isSkewed of [false, true]) {
    const order = orderOf(entries, isSkewed)
    const requests = requestsOf(order)
    for (const key of Object.keys(KEYS) as (keyof typeof KEYS)[]) {
      const get = loopsBy(() => getLoop(kind, key))
      const times = await compare(7, (name) => {
        const began = now()
        get[name](subjects[name].subject, order, keys, requests, value)
        return (now() - began) / READS
      })
      const what = `GET of ${kind}, ${counted}, ${isSkewed ? `Zipf ${SKEW}` : 'uniform'}, ${key}`
      const bounds = isLarge ? { 'lru-cache': 1, lmdb: 1 / 1.5 } : { 'lru-cache': 3, lmdb: 1 / 3 }
      rows.push(...rowsOf(what, times, bounds))
    }
    const put = loopsBy((name) => loop(SUBJECTS[name].put, 'new strings'))
    const times = await compare(isLarge ? 3 : 7, (name) => {
      const began = now()
      put[name](subjects[name].subject, order, keys, requests, value)
      return (now() - began) / READS
    })
    const what = `PUT of ${kind}, ${counted}, ${isSkewed ? `Zipf ${SKEW}` : 'uniform'}, in place`
    rows.push(...rowsOf(what, times, isLarge ? { 'lru-cache': 1, lmdb: 1 / 4 } : {}))
  }
  for (const name of NAMES) SUBJECTS[name].end(subjects[name].subject)
  return rows
}

function loopsBy(make: (name: Name) => Loop): Record<Name, Loop> {
  return { emucxl: make('emucxl'), 'lru-cache': make('lru-cache'), lmdb: make('lmdb') }
}

/** The median of full collections where there is no garbage, in ms. */
async function collection(): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 9; round++) {
    await turn()
    globalThis.gc?.()
    const began = now()
    globalThis.gc?.()
    times.push((now() - began) / 1e6)
  }
  return median(times)
}

/** A million entries: the heap of V8, its collections, and memory. */
async function ofMemory(): Promise<Row[]> {
  const entries = 1_000_000
  const value = new Uint8Array(VALUE_BYTES)
  const cxl = Emucxl.open({ backend: 'emulated' })
  const rows: Row[] = []
  const heap = () => process.memoryUsage().heapUsed / MiB
  new KvStore(cxl).destroy()
  const before = await collection()
  const [heapBefore, residentBefore] = [heap(), footprint().residentBytes]
  const store = new KvStore(cxl)
  for (let i = 0; i < entries; i++) store.put(keyOf(i), value)
  const after = await collection()
  const resident = footprint().residentBytes - residentBefore
  const { local, remote, bookkeepingBytes } = store.stats()
  const mapped = local.bytesMapped + remote.bytesMapped + bookkeepingBytes
  rows.push(
    {
      what: 'V8 heap that a million entries add',
      value: heap() - heapBefore,
      unit: 'MiB',
      bound: { atMost: 4 },
    },
    {
      what: 'a full collection beside them, more than before',
      value: after - before,
      unit: 'ms',
      bound: { atMost: 1 },
      detail: `${after.toFixed(2)} against ${before.toFixed(2)} ms`,
    },
    {
      what: 'memory of an entry beyond key and value',
      value: mapped / entries - KEY_BYTES - VALUE_BYTES,
      unit: 'bytes',
      bound: { atMost: 48 },
      detail: `${(resident / entries - KEY_BYTES - VALUE_BYTES).toFixed(1)} by the growth of resident memory`,
    },
  )
  store.destroy()
  cxl.close()
  return rows
}

/** The longest of calls, in ms, and the sum of all, in ns. */
function longest(count: number, call: (i: number) => void): { most: number; each: number } {
  let most = 0
  const began = now()
  let last = process.hrtime.bigint()
  for (let i = 0; i < count; i++) {
    call(i)
    const time = process.hrtime.bigint()
    const took = Number(time - last)
    if (took > most) most = took
    last = time
  }
  return { most: most / 1e6, each: (now() - began) / count }
}

/** Ten million entries: the longest call while they are put, read, and evict one another. */
function ofTenMillion(): Row[] {
  const entries = 10_000_000
  const value = new Uint8Array(VALUE_BYTES)
  const cxl = Emucxl.open({ backend: 'emulated' })
  const store = new KvStore(cxl, { local: { objects: entries / 10 }, remote: { objects: entries } })
  const calls = {
    'put, new': longest(entries, (i) => store.put(keyOf(i), value)),
    get: longest(entries / 5, () => store.get(keyOf(Math.floor(Math.random() * entries)))),
    'put, which evicts': longest(entries / 5, (i) => store.put(keyOf(entries + i), value)),
  }
  const gib = footprint().residentBytes / 2 ** 30
  store.destroy()
  cxl.close()
  return [
    ...Object.entries(calls).map(([call, { most, each }]) => ({
      what: `ten million entries, the longest ${call}`,
      value: most,
      unit: 'ms',
      bound: { atMost: 20 },
      detail: `${each.toFixed(0)} ns on average`,
    })),
    { what: 'ten million entries, resident memory', value: gib, unit: 'GiB', bound: { atMost: 8 } },
  ]
}

const PARTS: Record<string, () => Row[] | Promise<Row[]>> = {
  memory: ofMemory,
  tenMillion: ofTenMillion,
  bytes1000: () => ofSpeed('bytes', 1000),
  strings1000: () => ofSpeed('strings', 1000),
  bytes1000000: () => ofSpeed('bytes', 1_000_000),
  strings1000000: () => ofSpeed('strings', 1_000_000),
}

/** Each part has a process of its own: what one leaves behind is not the other's. */
function measurePart(part: string): Row[] {
  const words = [...process.execArgv, fileURLToPath(import.meta.url), part]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${part} failed:\n${stderr}`)
  return JSON.parse(stdout) as Row[]
}

const part = process.argv[2]
try {
  await report(() =>
    part === undefined ? Object.keys(PARTS).flatMap(measurePart) : (PARTS[part]?.() ?? []),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
