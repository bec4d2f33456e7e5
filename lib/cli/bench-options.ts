// The words of `emucxl bench`: its help, and what they ask for.

import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { EXPERIMENTS } from '../../bench/experiments.js'
import type { Experiment, Settings } from '../../bench/harness/experiment.js'
import { policies } from '../kv/policies/index.js'
import type { BackendName } from '../memory/backends.js'
import { LATENCY_PRESETS, type LatencyPreset } from '../memory/latency-model.js'
import { wrap } from './table.js'
import { byteSize, choice, parse, UsageError, wholeNumber } from './usage.js'

const NAME = 'emucxl bench'
const POLICIES = Object.keys(policies)

const BACKENDS: Record<'auto' | BackendName, string> = {
  auto: 'the best one that runs here',
  device: 'memory of /dev/emucxl, the kernel module',
  numa: 'memory of a NUMA node, placed by the kernel',
  emulated: 'ordinary memory, the node is bookkeeping: says nothing about CXL',
}

/** Files that the command writes, and reads. */
const FILES = ['html', 'csv', 'svg', 'compare'] as const

export type Files = { [F in (typeof FILES)[number]]?: string }

export interface Wanted {
  experiments: readonly Experiment[]
  json: boolean
  backend: 'auto' | BackendName
  model: LatencyPreset | undefined
  /** Processes of each experiment, where the user says so. */
  processes: number | undefined
  files: Files
  settings: Settings
}

export function list(entries: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...entries.map(([name]) => name.length))
  const hang = ' '.repeat(widest + 4)
  return entries
    .map(([name, text]) => wrap(text, 79, hang, `  ${name.padEnd(widest)}  `))
    .join('\n')
}

export function help(): string {
  return `Usage: ${NAME} [EXPERIMENT…] [OPTION…]

Measures local against remote memory. Without a name all experiments run, each
in processes of its own: some minutes, or with --quick less than one.

Experiments:
${list(EXPERIMENTS.map(({ name, description }) => [name, description]))}

Options:
${list([
  ['--quick', 'all in less than a minute'],
  ['--json', 'print one JSON document instead of tables'],
  ['--csv FILE', 'write the figures as comma-separated values, too'],
  ['--html FILE', 'write a report to look at in a browser, too'],
  ['--compare FILE', 'compare with an earlier run: what its --json printed'],
  ['--backend NAME', 'what maps the memory, see below (default: auto)'],
  [
    '--runs N',
    'repetitions of each measurement in a process (default: as many as its time allows, 10 for queue)',
  ],
  ['--processes N', 'processes that measure, one after the other (default: by experiment)'],
  [
    '--count N',
    'operations of a run of the queue (default: 15000); reads of a trace of kv (default: 100000, with --quick 40000, of a file the first 1000000)',
  ],
  ['--seed N', 'where the random keys of kv begin (default: 1, as in the paper)'],
  ['--policies A,B', `policies of kv, of: ${POLICIES.join(', ')} (default: all)`],
  [
    '--trace FILE',
    'let kv replay this trace, not those that it makes: txt, an object id a line, or oracleGeneral of libCacheSim; compressed by gzip or zstd, or not; may come several times',
  ],
  ['--svg FILE', 'draw what kv found of traces into this file'],
  [
    '--size BYTES',
    'largest working set of latency and access, operand of bandwidth, largest block of the others: 64MiB, 1G (default: by the last-level cache; 64 MiB for alloc and migrate)',
  ],
  [
    '--latency-model NAME',
    `make the emulated backend as slow as a published machine: ${Object.keys(LATENCY_PRESETS).join(', ')}`,
  ],
  ['-h, --help', 'show this'],
])}

Backends:
${list(Object.entries(BACKENDS))}

Tables or JSON go to stdout, progress and notices to stderr. Ctrl-C ends the
measuring, and what was measured is printed. Exit codes: 0 done, 1 failed, 2
wrong usage, 130 ended by Ctrl-C.
`
}

/** Names that lead to the same file have the same. */
function placeOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat !== undefined) return `${stat.dev}:${stat.ino}`
  try {
    return join(realpathSync(dirname(file)), basename(file))
  } catch {
    return resolve(file) // there is no such folder, which is told when the file is opened
  }
}

/** Throws where a file would be written over another one that is written, or read. */
function checkDifferent(files: Files, traces: readonly string[]): void {
  const written = FILES.filter((option) => option !== 'compare')
  const named = [
    ...FILES.map((option) => [option, files[option]] as const),
    ...traces.map((trace) => ['trace', trace] as const),
  ]
  for (const option of written) {
    const file = files[option]
    if (file === undefined) continue
    const same = named.find(
      ([other, name]) => other !== option && name !== undefined && placeOf(name) === placeOf(file),
    )
    if (same === undefined) continue
    throw new UsageError(`--${option} and --${same[0]} need different files`, NAME)
  }
}

function settingsOf(values: {
  quick?: boolean
  runs?: string
  count?: string
  size?: string
  seed?: string
  policies?: string
  trace?: string[]
}): Settings {
  const settings: Settings = {}
  if (values.quick) settings.quick = true
  for (const option of ['runs', 'count', 'seed'] as const) {
    const text = values[option]
    if (text !== undefined) settings[option] = wholeNumber(NAME, option, text)
  }
  if (values.size !== undefined) settings.size = byteSize(NAME, 'size', values.size)
  if (values.policies !== undefined) {
    settings.policies = values.policies
      .split(',')
      .map((word) => choice(NAME, 'policy', word.trim(), POLICIES))
  }
  if (values.trace !== undefined) settings.traces = values.trace
  return settings
}

export function read(args: readonly string[]): Wanted | 'help' {
  const { values, positionals } = parse(NAME, args, {
    help: { type: 'boolean', short: 'h' },
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    csv: { type: 'string' },
    html: { type: 'string' },
    compare: { type: 'string' },
    backend: { type: 'string' },
    runs: { type: 'string' },
    processes: { type: 'string' },
    count: { type: 'string' },
    size: { type: 'string' },
    seed: { type: 'string' },
    policies: { type: 'string' },
    trace: { type: 'string', multiple: true },
    svg: { type: 'string' },
    'latency-model': { type: 'string' },
  })
  if (values.help) return 'help'
  const names = EXPERIMENTS.map(({ name }) => name)
  const asked = positionals.map((word) => choice(NAME, 'experiment', word, names))
  const presets = Object.keys(LATENCY_PRESETS) as LatencyPreset[]
  const model =
    values['latency-model'] === undefined
      ? undefined
      : choice(NAME, 'latency model', values['latency-model'], presets)
  const backends = Object.keys(BACKENDS) as (keyof typeof BACKENDS)[]
  // A model is a model of the emulated backend: who names one has named the backend.
  const named = values.backend ?? (model === undefined ? 'auto' : 'emulated')
  const backend = choice(NAME, 'backend', named, backends)
  if (model !== undefined && backend !== 'emulated') {
    throw new UsageError(`--latency-model needs --backend emulated, not ${backend}`, NAME)
  }
  const experiments = EXPERIMENTS.filter(({ name }) => asked.length === 0 || asked.includes(name))
  for (const option of [...FILES, 'trace'] as const) {
    if ([values[option] ?? []].flat().includes('')) {
      throw new UsageError(`--${option} needs the name of a file`, NAME)
    }
  }
  for (const option of ['trace', 'svg'] as const) {
    if (values[option] !== undefined && !experiments.some(({ name }) => name === 'kv')) {
      throw new UsageError(`--${option} is for kv, which is not among the experiments`, NAME)
    }
  }
  const files: Files = {}
  for (const option of FILES) {
    const file = values[option]
    if (file !== undefined) files[option] = file
  }
  checkDifferent(files, values.trace ?? [])
  const processes =
    values.processes === undefined ? undefined : wholeNumber(NAME, 'processes', values.processes)
  const { json = false } = values
  return { experiments, json, backend, model, processes, files, settings: settingsOf(values) }
}
