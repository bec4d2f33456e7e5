// Which part of the reads of a key-value store finds its object in local memory, by policy, through the store
// of this package; and what the best policy that knows the future would reach. First as in the first paper
// (emucxl.txt, section IV-B, Table IV), then on traces that look like production, or come from files.

import { basename } from 'node:path'
import { type Context, type Experiment, type Table, turn } from './harness/experiment.js'
import { glibcRand } from './harness/glibc-rand.js'
import { beladyHits } from './kv/belady.js'
import { tableFourChart, traceCharts } from './kv/charts.js'
import { drawTraces } from './kv/picture.js'
import { type KvTraceRow, LOCAL_SHARES, replayTrace } from './kv/replay.js'
import { readTraceFile } from './kv/trace-file.js'
import { traceTables } from './kv/trace-tables.js'
import { generateTrace, TRACES, type Trace } from './kv/traces.js'

const LOCAL_OBJECTS = 300
const REMOTE_OBJECTS = 1000
const KEYS = 1000
const READS = 50_000
const HOT_READS = 45_000
/** Reads of a trace that is generated, where all is to be over soon. */
const FEW_READS = 40_000

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

export interface KvResult {
  /** Table IV. */
  rows: KvRow[]
  traces: KvTraceRow[]
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

type PolicyName = keyof typeof import('../lib/kv/policies/index.js').policies

const PAPERS: readonly string[] = ['policy1', 'policy2']

/** The part of the progress that is Table IV's. */
const TABLE_PART = 0.2

async function tableFour(
  context: Context,
  names: readonly string[],
  seed: number,
): Promise<KvRow[]> {
  const { KvStore } = await import('../lib/index.js')
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
        policy: policy as PolicyName,
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
    context.progress((TABLE_PART * (done + 1)) / shares.length)
  }
  return rows
}

/** The files that the user names, as far as they are wanted. */
async function readTraces({ settings, condition }: Context): Promise<Trace[]> {
  const files = [...new Set(settings.traces)]
  const names = files.map((file) => basename(file))
  const traces: Trace[] = []
  for (const [i, file] of files.entries()) {
    const isShared = names.filter((name) => name === names[i]).length > 1
    const name = isShared ? file : (names[i] as string)
    const trace = await readTraceFile(file, name, settings.count)
    if (trace.cut) {
      const read = trace.reads.length.toLocaleString('en-US')
      const more = settings.count === undefined ? '; --count N reads N' : ''
      condition(`kv: of ${name} only the first ${read} requests were read${more}`)
    }
    if (trace.empty > 0) {
      condition(`kv: ${name}: ${trace.empty} requests of objects of 0 bytes were left out`)
    }
    traces.push(trace)
  }
  return traces
}

async function run(context: Context): Promise<KvResult> {
  const { policies } = await import('../lib/kv/index.js')
  const { settings, progress } = context
  const seed = settings.seed ?? 1
  const names = settings.policies ?? Object.keys(policies)
  const files = await readTraces(context)
  const rows = await tableFour(context, names, seed)
  const all = files.length > 0 ? files.length : TRACES.length
  const replays = all * LOCAL_SHARES.length * names.length
  let replayed = 0
  const onReplay = () => progress(TABLE_PART + ((1 - TABLE_PART) * ++replayed) / replays)
  const traces: KvTraceRow[] = []
  const reads = settings.count ?? (settings.quick === true ? FEW_READS : undefined)
  for (let i = 0; i < all; i++) {
    const trace = files[i] ?? generateTrace(TRACES[i] as string, seed, reads)
    traces.push(...(await replayTrace(context, trace, names, onReplay)))
  }
  progress(1)
  return { rows, traces }
}

function tableFourTable(rows: readonly KvRow[]): Table {
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

export const kv: Experiment<KvResult> = {
  name: 'kv',
  description:
    'Table IV of the emucxl paper: how many reads of a key-value store find their object in local ' +
    'memory, by policy, beside the best that can be; then the same on traces that look like production.',
  // What is counted is the same each time.
  effort: { quick: { processes: 1, seconds: 12 }, full: { processes: 1, seconds: 60 } },
  pinned: false,
  run,
  merge: ([result]) => result as KvResult,
  tables: ({ rows, traces = [] }) => [tableFourTable(rows), ...traceTables(traces)],
  charts: ({ rows, traces = [] }) => [tableFourChart(rows), ...traceCharts(traces)],
  picture: ({ traces }, conditions) => drawTraces(traces, conditions),
}
