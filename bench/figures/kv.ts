// The store against lru-cache and lmdb: reads and writes of 1,000 and of 1,000,000 entries, with keys of 10
// bytes and values of 100; what a million entries cost the heap of V8, its collections, and memory; and the
// longest call with ten million.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Emucxl, KvStore } from '../../lib/index.js'
import { footprint, MiB, median, now, type Row, report, turn } from './figure.js'
import { KEY_BYTES, keyOf, ofSpeed, VALUE_BYTES } from './kv-speed.js'

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
await report(() =>
  part === undefined ? Object.keys(PARTS).flatMap(measurePart) : (PARTS[part]?.() ?? []),
)
