// The first paper's key-value store (emucxl.txt, section IV-B, Table IV): which part of the reads finds its
// object in local memory, by policy, through the store of this package; and what the best policy that
// knows the future would reach.

import { type Context, type Experiment, type Table, turn } from './experiment.js'
import { glibcRand } from './glibc-rand.js'

const LOCAL_OBJECTS = 300
const REMOTE_OBJECTS = 1000
const KEYS = 1000
const READS = 50_000
const HOT_READS = 45_000

/** Percent of reads that found their object in local memory. Source: emucxl.txt, Table IV. */
const TABLE_IV: Record<string, readonly [policy1: number, policy2: number]> = {
  10: [81.37, 3.29],
  20: [50.95, 3.77],
  30: [28.59, 4.28],
  40: [18.03, 4.94],
  50: [14.87, 5.94],
  60: [12.67, 7.57],
  70: [12.68, 10.0],
  80: [22.22, 21.17],
  90: [30.43, 29.95],
  random: [29.79, 30.01],
}

export interface KvRow {
  /** Percent of the keys that nine tenths of the reads go to; null for reads of all keys alike. */
  hotPercent: number | null
  /** `min` is Belady's: it knows the future. */
  policy: string
  seed: number
  /** Reads that found their object in local, and in remote memory. */
  local: number
  remote: number
  localPercent: number
  /** Table IV's figure, of its seed, 1; null for policies that the paper has not. */
  paperLocalPercent: number | null
}

/** The keys that are read, as numbers from 1 up, drawn as the paper's program does. */
export function tableFourKeys(hotPercent: number | null, seed: number): number[] {
  const rand = glibcRand(seed)
  if (hotPercent === null) return Array.from({ length: READS }, () => (rand() % KEYS) + 1)
  const hot = (KEYS * hotPercent) / 100
  return Array.from({ length: READS }, (_, i) =>
    i < HOT_READS ? (rand() % hot) + 1 : (rand() % (KEYS - hot)) + 1 + hot,
  )
}

/**
 * Reads that find their key among `room` keys, where the one that is needed last makes room, and a key that
 * is needed later than all others does not come in. Source: Belády: A study of replacement algorithms (IBM
 * Systems Journal, 1966), with bypassing.
 */
export function beladyHits(keys: readonly number[], room: number, first: Iterable<number>): number {
  const never = keys.length
  const next = new Int32Array(keys.length)
  const seen = new Map<number, number>()
  for (let i = keys.length - 1; i >= 0; i--) {
    next[i] = seen.get(keys[i] as number) ?? never
    seen.set(keys[i] as number, i)
  }
  const held = new Set<number>()
  /** By the time when a key that is held is needed next: that key. And those that never are. */
  const neededAt = new Map<number, number>()
  const useless: number[] = []
  let latest = 0
  const hold = (key: number, time: number) => {
    held.add(key)
    if (time === never) useless.push(key)
    else neededAt.set(time, key)
    if (time !== never) latest = Math.max(latest, time)
  }
  for (const key of first) hold(key, seen.get(key) ?? never)
  let hits = 0
  for (const [i, key] of keys.entries()) {
    const time = next[i] as number
    if (held.has(key)) {
      hits++
      neededAt.delete(i)
    } else if (held.size >= room) {
      while (!neededAt.has(latest) && latest > i) latest--
      const last = useless.pop() ?? (latest > time ? neededAt.get(latest) : undefined)
      if (last === undefined) continue
      if (last === neededAt.get(latest)) neededAt.delete(latest)
      held.delete(last)
    }
    hold(key, time)
  }
  return hits
}

const PAPERS = ['policy1', 'policy2']

async function run(context: Context): Promise<{ rows: KvRow[] }> {
  const { KvStore, policies } = await import('../lib/index.js')
  const seed = context.settings.seed ?? 1
  const names = context.settings.policies ?? Object.keys(policies)
  const rows: KvRow[] = []
  const shares = [10, 20, 30, 40, 50, 60, 70, 80, 90, null]
  for (const [done, hotPercent] of shares.entries()) {
    const keys = tableFourKeys(hotPercent, seed)
    const row = (policy: string, local: number): KvRow => {
      const paper = PAPERS.indexOf(policy)
      return {
        hotPercent,
        policy,
        seed,
        local,
        remote: keys.length - local,
        localPercent: (100 * local) / keys.length,
        paperLocalPercent: TABLE_IV[hotPercent ?? 'random']?.[paper] ?? null,
      }
    }
    for (const policy of names) {
      const store = new KvStore(context.cxl, {
        local: { objects: LOCAL_OBJECTS },
        remote: { objects: REMOTE_OBJECTS },
        policy: policy as keyof typeof policies,
        codec: 'utf8',
        whenFull: 'error',
      })
      try {
        for (let i = 1; i <= KEYS; i++) store.put(`key${i}`, `value${i}`)
        for (const key of keys) {
          if (store.get(`key${key}`) !== `value${key}`) throw new Error(`key${key} was lost`)
        }
        rows.push(row(policy, store.stats().localHits))
      } finally {
        store.destroy()
      }
      await turn()
    }
    const first = Array.from({ length: LOCAL_OBJECTS }, (_, i) => KEYS - i)
    rows.push(row('min', beladyHits(keys, LOCAL_OBJECTS, first)))
    context.progress((done + 1) / shares.length)
  }
  return { rows }
}

function table(rows: readonly KvRow[]): Table {
  const shares = [...new Set(rows.map(({ hotPercent }) => hotPercent))]
  const policies = [...new Set(rows.map(({ policy }) => policy))]
  const line = (head: string, value: (row: KvRow) => number | null, policy: string) => [
    head,
    ...shares.map((share) => {
      const row = rows.find((r) => r.hotPercent === share && r.policy === policy)
      return row === undefined ? undefined : (value(row) ?? undefined)
    }),
  ]
  return {
    columns: [
      { head: 'hot keys' },
      ...shares.map((share) => ({ head: share === null ? 'all' : `${share} %`, digits: 1 })),
    ],
    rows: policies.flatMap((policy) => [
      line(policy, (row) => row.localPercent, policy),
      ...(PAPERS.includes(policy) ? [line('  paper', (row) => row.paperLocalPercent, policy)] : []),
    ]),
    notes: [
      `Percent of ${READS.toLocaleString('en-US')} reads that found their object in local memory. Nine ` +
        'tenths of them go to the hot keys, then one tenth to the others; all: to all alike. Local memory ' +
        'has room for 300 objects of 1,000. Keys are drawn by glibc’s rand(), seed ' +
        `${rows[0]?.seed}.`,
      'min: Belady’s optimum, which knows the future. Paper: emucxl, Table IV, seed 1.',
    ],
  }
}

export const kv: Experiment<{ rows: KvRow[] }> = {
  name: 'kv',
  description:
    'Table IV of the emucxl paper: how many reads of a key-value store find their object in local ' +
    'memory, by policy, beside the best that can be.',
  run,
  tables: ({ rows }) => [table(rows)],
}
