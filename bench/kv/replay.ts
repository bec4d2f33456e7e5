// Replays traces through the key-value store: which part of the reads finds its object in local memory, what
// is moved for it, and the time that Table 5 of the second paper would make of it, by policy and by how much
// of the objects local memory has room for.

import type { Policy, PolicyFactory, Tier } from '../../lib/kv/index.js'
import { EmucxlError } from '../../lib/memory/errors.js'
import { LATENCY_PRESETS, type LatencyModel } from '../../lib/memory/latency-model.js'
import { type Context, turn } from '../harness/experiment.js'
import { beladyHits } from './belady.js'
import { type Trace, VALUE_BYTES } from './traces.js'

/** Percent of the bytes of all objects that local memory has room for. */
export const LOCAL_SHARES = [5, 10, 20, 40]

const KEY_BYTES = 10
/** What a store needs for an entry besides key and value, where both are short. */
const WORD_BYTES = 4
/** The largest value that a store takes. */
export const MOST_VALUE_BYTES = 512 * 2 ** 20
/** Reads after which the event loop turns. */
const READS_A_TURN = 8192

/** A trace, replayed with a policy and a size of local memory. */
export interface KvTraceRow {
  trace: string
  /** Null for a file. */
  seed: number | null
  /** Percent of the bytes of all objects, which is that of the objects where all have one size. */
  localSharePercent: number
  localBytes: number
  objects: number
  /** `min` is Belady's: it knows the future. Only where all objects have one size. */
  policy: string
  /** The sum of the next three. */
  reads: number
  localHits: number
  remoteHits: number
  /** Reads of objects that were not there yet: these were put, in local memory. */
  firsts: number
  /** Local hits, of the reads that found their object. */
  localPercent: number
  /** Null for `min`, as all that follows. */
  promotions: number | null
  demotions: number | null
  bytesMoved: number | null
  /** With both ends of Table 5’s latencies: see {@link modelledNs}. */
  modelledNearNsPerRead: number | null
  modelledFarNsPerRead: number | null
}

/** What a replay counted, by tier where it differs. */
interface Counts {
  hits: Record<Tier, number>
  /** Bytes of the entries that were found there. */
  bytesRead: Record<Tier, number>
  firsts: number
  bytesPut: number
  promotions: number
  demotions: number
  bytesMoved: number
}

/**
 * Modelled nanoseconds: access(tier, bytes) = latency of the tier + bytes / its bandwidth. A read of an entry
 * is an access to the tier where it is, a put one to local memory; a move is an access to both. One comes
 * after the other; what the caches of a CPU would save, and its work, is left out.
 */
export function modelledNs(counts: Counts, { local, remote }: LatencyModel): number {
  const { hits, bytesRead, firsts, bytesPut, promotions, demotions, bytesMoved } = counts
  const moves = promotions + demotions
  const accesses = (tier: LatencyModel['local'], times: number, bytes: number) =>
    times * tier.latencyNs + bytes / tier.bandwidthGBps // GB/s are bytes in a nanosecond
  return (
    accesses(local, hits.local + firsts + moves, bytesRead.local + bytesPut + bytesMoved) +
    accesses(remote, hits.remote + moves, bytesRead.remote + bytesMoved)
  )
}

const entryBytes = (valueBytes: number) => WORD_BYTES + KEY_BYTES + valueBytes

/** A policy that does what another one does, and tells in which tier each entry is that is read. */
function watched(factory: PolicyFactory, onHit: (tier: Tier) => void): PolicyFactory {
  return (host) => {
    const policy: Policy = factory(host)
    const hit = policy.hit.bind(policy)
    policy.hit = (entry, tier) => {
      onHit(tier)
      return hit(entry, tier)
    }
    return policy
  }
}

/** Reads what a trace reads, and puts what is not there. Throws where a value is not what was put. */
async function replay(
  { cxl }: Context,
  trace: Trace,
  factory: PolicyFactory,
  localBytes: number,
): Promise<Counts> {
  const { KvStore } = await import('../../lib/kv/index.js')
  const { reads, valueBytes } = trace
  let tier: Tier = 'local'
  const store = new KvStore(cxl, {
    local: { bytes: localBytes },
    policy: watched(factory, (found) => {
      tier = found
    }),
    maxValueBytes: MOST_VALUE_BYTES,
    whenFull: 'error',
  })
  const bytesRead = { local: 0, remote: 0 }
  let bytesPut = 0
  const key = Buffer.from('object\0\0\0\0')
  let value = Buffer.alloc(VALUE_BYTES)
  try {
    for (let i = 0; i < reads.length; i++) {
      if (i % READS_A_TURN === 0) await turn()
      const object = reads[i] as number
      const length = valueBytes[object] as number
      key.writeUInt32LE(object, KEY_BYTES - 4)
      const found = store.get(key)
      if (found === undefined) {
        if (value.length < length) value = Buffer.alloc(length)
        value[0] = object
        store.put(key, value.subarray(0, length))
        bytesPut += entryBytes(length)
      } else if (found.length !== length || found[0] !== (object & 255)) {
        throw new Error(`object ${object} of ${trace.name} was lost`)
      } else {
        bytesRead[tier] += entryBytes(length)
      }
    }
    const { localHits, remoteHits, misses, promotions, demotions, bytesMoved } = store.stats()
    const hits = { local: localHits, remote: remoteHits }
    return { hits, bytesRead, firsts: misses, bytesPut, promotions, demotions, bytesMoved }
  } finally {
    store.destroy()
  }
}

/** What a row tells of what a replay counted. */
function counted(counts: Counts, reads: number) {
  const { hits, firsts, promotions, demotions, bytesMoved } = counts
  const perRead = (model: LatencyModel) => modelledNs(counts, model) / reads
  return {
    reads,
    localHits: hits.local,
    remoteHits: hits.remote,
    firsts,
    localPercent: percent(hits.local, reads - firsts),
    promotions,
    demotions,
    bytesMoved,
    modelledNearNsPerRead: perRead(LATENCY_PRESETS['table-5-near']),
    modelledFarNsPerRead: perRead(LATENCY_PRESETS['table-5-far']),
  }
}

/** What Belady's policy would count. */
function optimum({ reads, valueBytes }: Trace, localBytes: number) {
  const room = Math.floor(localBytes / entryBytes(valueBytes[0] ?? 0))
  const localHits = beladyHits(reads, room)
  const found = reads.length - valueBytes.length
  return {
    reads: reads.length,
    localHits,
    remoteHits: found - localHits,
    firsts: valueBytes.length,
    localPercent: percent(localHits, found),
    promotions: null,
    demotions: null,
    bytesMoved: null,
    modelledNearNsPerRead: null,
    modelledFarNsPerRead: null,
  }
}

const percent = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole)

/** What a store maps beyond what it was asked for, at most: sizes are rounded up to those of slabs. */
const SLACK = 1.3

/** Throws where the objects of a trace would drive the machine out of memory. */
function checkRoom({ cxl, memoryOfEach }: Context, { name }: Trace, bytes: number): void {
  const room = Math.min(memoryOfEach, ...cxl.nodes.map(({ node }) => cxl.stats(node).available))
  if (SLACK * bytes <= room) return
  const mib = (value: number) => Math.ceil(value / 2 ** 20)
  throw new EmucxlError(
    'ERR_EMUCXL_NO_MEMORY',
    `the objects of ${name} take ${mib(SLACK * bytes)} MiB in a store, and a node can give ${mib(room)} ` +
      'MiB now: --count N reads fewer requests',
  )
}

/** Replays a trace with each policy and each size of local memory; `onReplay` hears of each. */
export async function replayTrace(
  context: Context,
  trace: Trace,
  names: readonly string[],
  onReplay: () => void,
): Promise<KvTraceRow[]> {
  const { policies } = await import('../../lib/kv/index.js')
  const bytes = trace.valueBytes.reduce((sum, length) => sum + entryBytes(length), 0)
  checkRoom(context, trace, bytes)
  const isUniform = trace.valueBytes.every((length) => length === trace.valueBytes[0])
  const rows: KvTraceRow[] = []
  for (const localSharePercent of LOCAL_SHARES) {
    const localBytes = Math.round((bytes * localSharePercent) / 100)
    const { name, seed, valueBytes, reads } = trace
    const objects = valueBytes.length
    const head = { trace: name, seed, localSharePercent, localBytes, objects }
    for (const policy of names) {
      const factory = policies[policy as keyof typeof policies]
      const counts = await replay(context, trace, factory, localBytes)
      rows.push({ ...head, policy, ...counted(counts, reads.length) })
      onReplay()
    }
    if (isUniform) rows.push({ ...head, policy: 'min', ...optimum(trace, localBytes) })
  }
  return rows
}

export interface Regret {
  trace: string
  localSharePercent: number
  /** The fixed policy that found most in local memory. */
  best: string
  /** Percentage points of its local hits beyond those of `adaptive`: below 0 where that is better. */
  points: number
}

/** What `adaptive` misses beside the best policy that is always the same; empty where it was not replayed. */
export function regrets(rows: readonly KvTraceRow[]): Regret[] {
  return rows
    .filter(({ policy }) => policy === 'adaptive')
    .flatMap((own) => {
      const fixed = rows
        .filter((row) => row.trace === own.trace && row.localBytes === own.localBytes)
        .filter(({ policy }) => policy !== 'adaptive' && policy !== 'min')
        .sort((a, b) => b.localPercent - a.localPercent)
      const [best] = fixed
      if (best === undefined) return []
      const { trace, localSharePercent } = own
      const points = best.localPercent - own.localPercent
      return [{ trace, localSharePercent, best: best.policy, points }]
    })
}
