// Reads and writes of the store, of lru-cache, a cache in JavaScript, and of lmdb, a database in shared memory.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import { LRUCache } from 'lru-cache'
import { Emucxl, KvStore } from '../../lib/index.js'
import { median, now, type Row, turn } from './figure.js'

export const KEY_BYTES = 10
export const VALUE_BYTES = 100
const READS = 300_000
const SKEW = 0.99

type Kind = 'bytes' | 'strings'
type Value = Uint8Array | string

export function keyOf(i: number): string {
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
  // Nothing is synced to the disk. Each put is a transaction: others see it when the call is over.
  lmdb: {
    make: (kind: Kind) =>
      openLmdb({
        path: join(folder, String(databases++)),
        encoding: kind === 'bytes' ? 'binary' : 'string',
        noSync: true,
      }),
    end: (database: { close(): unknown }) => database.close(),
    put: 'for (let i = 0; i < order.length; i++) subject.putSync(KEY, value)',
  },
} as unknown as Record<'emucxl' | 'lru-cache' | 'lmdb', Subject>

const PEERS = {
  ...SUBJECTS,
  'lmdb, all in one transaction': {
    ...SUBJECTS.lmdb,
    put: `subject.transactionSync(() => {
      for (let i = 0; i < order.length; i++) subject.putSync(KEY, value)
    })`,
  },
}

type Name = keyof typeof PEERS
const READERS = Object.keys(SUBJECTS) as Name[]
const WRITERS = Object.keys(PEERS) as Name[]
type Times = Map<Name, number>
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

/** Medians of the names by turns. */
async function compare(
  rounds: number,
  names: readonly Name[],
  run: (name: Name) => number,
): Promise<Times> {
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      await turn()
      const time = run(name)
      if (round >= 0) times.get(name)?.push(time)
    }
  }
  return new Map([...times].map(([name, each]) => [name, median(each)]))
}

function rowsOf(what: string, times: Times, bounds: Partial<Record<Name, number>>): Row[] {
  const own = times.get('emucxl') as number
  return [...times].slice(1).map(([name, time]) => ({
    what,
    value: own / time,
    unit: `× ${name}`,
    ...(bounds[name] === undefined ? {} : { bound: { atMost: bounds[name] } }),
    detail: `${own.toFixed(0)} against ${time.toFixed(0)} ns`,
  }))
}

/** Reads and writes of a store with so many entries. */
export async function ofSpeed(kind: Kind, entries: number): Promise<Row[]> {
  const keys = keysOf(entries)
  const text = 'v'.repeat(VALUE_BYTES)
  const value = kind === 'bytes' ? new Uint8Array(Buffer.from(text)) : text
  const counted = `${kind}, ${entries.toLocaleString('en-US')} entries`
  const isLarge = entries > 100_000
  const getBounds = isLarge ? { 'lru-cache': 1, lmdb: 1 / 1.5 } : { 'lru-cache': 3, lmdb: 1 / 3 }
  const putBounds = isLarge ? { 'lru-cache': 1, lmdb: 1 / 4 } : {}

  const all = Uint32Array.from(keys, (_, i) => i)
  const allRequests = requestsOf(all)
  const fillers = new Map(WRITERS.map((name) => [name, loop(PEERS[name].put, 'new strings')]))
  const fill = (name: Name) => {
    const subject = PEERS[name].make(kind, entries)
    const began = now()
    fillers.get(name)?.(subject, all, keys, allRequests, value)
    return { subject, time: (now() - began) / entries }
  }
  const filled = await compare(isLarge ? 3 : 100, WRITERS, (name) => {
    const { subject, time } = fill(name)
    PEERS[name].end(subject)
    return time
  })
  const rows = rowsOf(`PUT of ${counted}, new`, filled, putBounds)

  const subjects = new Map(WRITERS.map((name) => [name, fill(name).subject]))
  for (const isSkewed of [false, true]) {
    const order = orderOf(entries, isSkewed)
    const requests = requestsOf(order)
    const spread = isSkewed ? `Zipf ${SKEW}` : 'uniform'
    const timed = (loops: Map<Name, Loop>) => (name: Name) => {
      const began = now()
      loops.get(name)?.(subjects.get(name), order, keys, requests, value)
      return (now() - began) / READS
    }
    for (const key of Object.keys(KEYS) as (keyof typeof KEYS)[]) {
      const gets = new Map(READERS.map((name) => [name, getLoop(kind, key)]))
      const times = await compare(7, READERS, timed(gets))
      rows.push(...rowsOf(`GET of ${counted}, ${spread}, ${key}`, times, getBounds))
    }
    const puts = new Map(WRITERS.map((name) => [name, loop(PEERS[name].put, 'new strings')]))
    const times = await compare(isLarge ? 3 : 7, WRITERS, timed(puts))
    rows.push(...rowsOf(`PUT of ${counted}, ${spread}, in place`, times, putBounds))
  }
  for (const name of WRITERS) PEERS[name].end(subjects.get(name))
  rmSync(folder, { recursive: true, force: true })
  return rows
}
