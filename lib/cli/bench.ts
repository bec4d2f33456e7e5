// `emucxl bench`: runs experiments on one open context, prints their tables or one JSON report.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { Context, Experiment, Result, Settings } from '../../bench/experiment.js'
import { EXPERIMENTS } from '../../bench/experiments.js'
import { policies } from '../kv/policies/index.js'
import type { BackendName } from '../memory/backends.js'
import type { Emucxl } from '../memory/emucxl.js'
import { packageVersion } from '../memory/host.js'
import { LATENCY_PRESETS, type LatencyPreset } from '../memory/latency-model.js'
import type { Node } from '../memory/options.js'
import { memoryOfEach } from './available-memory.js'
import { isPinned, standingConditions } from './conditions.js'
import { cpuText, type Machine, readMachine } from './machine.js'
import { Progress } from './progress.js'
import { render, widthOf, wrap } from './table.js'
import { byteSize, choice, parse, UsageError, wholeNumber } from './usage.js'

const NAME = 'emucxl bench'
const POLICIES = Object.keys(policies)

/** What an experiment may take, so that all end in half a minute on a small or busy machine. */
const PATIENCE_MS = 8_000

const BACKENDS: Record<'auto' | BackendName, string> = {
  auto: 'the best one that runs here',
  device: 'memory of /dev/emucxl, the kernel module',
  numa: 'memory of a NUMA node, placed by the kernel',
  emulated: 'ordinary memory, the node is bookkeeping: says nothing about CXL',
}

/** What `emucxl bench --json` prints. */
export interface BenchReport {
  /** The package's version. */
  version: string
  /** ISO 8601. */
  date: string
  machine: Machine
  backend: BackendName
  nodes: readonly Node[]
  /** The name of the latency model of the emulated backend, or null. */
  latencyModel: LatencyPreset | null
  /** What a reader must know before the figures are believed. */
  conditions: string[]
  /** By name; the fields of rows are those of its module in bench/. */
  experiments: Record<string, { description: string; seconds: number } & Result>
}

function list(entries: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...entries.map(([name]) => name.length))
  const hang = ' '.repeat(widest + 4)
  return entries
    .map(([name, text]) => wrap(text, 79, hang, `  ${name.padEnd(widest)}  `))
    .join('\n')
}

function help(): string {
  return `Usage: ${NAME} [EXPERIMENT…] [OPTION…]

Measures local against remote memory. Without a name all experiments run, in
about a minute at most.

Experiments:
${list(EXPERIMENTS.map(({ name, description }) => [name, description]))}

Options:
${list([
  ['--json', 'print one JSON document instead of tables'],
  ['--backend NAME', 'what maps the memory, see below (default: auto)'],
  [
    '--runs N',
    'repetitions of each measurement (default: 100 for latency, 25 for copy, 10 for queue)',
  ],
  [
    '--count N',
    'operations of a run of the queue (default: 15000); reads of a trace of kv (default: 100000, of a file the first 1000000)',
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
    'working set of latency, block of copy: 64MiB, 1G (default: by the last-level cache)',
  ],
  [
    '--latency-model NAME',
    `make the emulated backend as slow as a published machine: ${Object.keys(LATENCY_PRESETS).join(', ')}`,
  ],
  ['-h, --help', 'show this'],
])}

Backends:
${list(Object.entries(BACKENDS))}

Tables or JSON go to stdout, progress and notices to stderr. Exit codes: 0 done,
1 failed, 2 wrong usage, 130 ended by Ctrl-C.
`
}

interface Wanted {
  experiments: readonly Experiment[]
  json: boolean
  backend: 'auto' | BackendName
  model: LatencyPreset | undefined
  /** The file for a picture. */
  svg: string | undefined
  settings: Settings
}

function read(args: readonly string[]): Wanted | 'help' {
  const { values, positionals } = parse(NAME, args, {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    backend: { type: 'string' },
    runs: { type: 'string' },
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
  const settings: Settings = {}
  if (values.runs !== undefined) settings.runs = wholeNumber(NAME, 'runs', values.runs)
  if (values.count !== undefined) settings.count = wholeNumber(NAME, 'count', values.count)
  if (values.size !== undefined) settings.size = byteSize(NAME, 'size', values.size)
  if (values.seed !== undefined) settings.seed = wholeNumber(NAME, 'seed', values.seed)
  if (values.policies !== undefined) {
    settings.policies = values.policies
      .split(',')
      .map((word) => choice(NAME, 'policy', word.trim(), POLICIES))
  }
  if (values.trace !== undefined) settings.traces = values.trace
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
  for (const option of ['trace', 'svg'] as const) {
    const files = [values[option] ?? []].flat()
    if (files.includes('')) throw new UsageError(`--${option} needs the name of a file`, NAME)
    if (files.length > 0 && !experiments.some(({ name }) => name === 'kv')) {
      throw new UsageError(`--${option} is for kv, which is not among the experiments`, NAME)
    }
  }
  const { json = false, svg } = values
  return { experiments, json, backend, model, svg, settings }
}

/** Finds out what `auto` takes, and says so in the words of this command where it is no real thing. */
async function settleBackend(asked: 'auto' | BackendName): Promise<BackendName> {
  if (asked !== 'auto') return asked
  const { chooseBackend, inspectBackends } = await import('../memory/backends.js')
  const { readTopology } = await import('../memory/topology.js')
  const states = inspectBackends(readTopology())
  const backend = chooseBackend(states)
  if (backend === 'emulated') {
    const why = states.filter(({ name }) => name !== 'emulated')
    process.stderr.write(
      `No remote memory here: measuring the emulated backend, local memory under two names.\n` +
        `${list(why.map(({ name, reason, note }) => [name, reason ?? note ?? '']))}\n\n`,
    )
  }
  return backend
}

function heading(report: BenchReport, width: number): string {
  const { machine, nodes } = report
  const places = nodes.map(({ role, numaNode }) => `${role} on NUMA node ${numaNode}`)
  const lines = [
    `emucxl ${report.version}, ${report.date.slice(0, 10)}`,
    `${cpuText(machine)}; Linux ${machine.kernel}; Node.js ${machine.node}`,
    `backend ${report.backend}: ${places.join(', ')}`,
  ]
  return lines.map((line) => `${wrap(line, width, '  ', '')}\n`).join('')
}

/** Stands at each table, so that a table that is taken from the rest still says what it is. */
function label({ backend, latencyModel }: BenchReport): string {
  return latencyModel === null ? `backend ${backend}` : `modelled by ${latencyModel}`
}

/** Runs one experiment and adds it to the report. */
async function measure(
  experiment: Experiment,
  cxl: Emucxl,
  settings: Settings,
  report: BenchReport,
  progress: Progress,
): Promise<Result> {
  const conditions = new Set(report.conditions)
  const began = performance.now()
  const context: Context = {
    cxl,
    settings,
    lastLevelCache: report.machine.lastLevelCache,
    memoryOfEach: memoryOfEach(cxl.nodes),
    pinned: isPinned(),
    timeIsUp: () => settings.runs === undefined && performance.now() - began > PATIENCE_MS,
    progress: (done) => progress.update(done),
    condition: (text) => conditions.add(text),
  }
  const { name, description } = experiment
  progress.start(name)
  try {
    const result = await experiment.run(context)
    const seconds = (performance.now() - began) / 1000
    progress.end()
    report.conditions = [...conditions]
    report.experiments[name] = { description, seconds, ...result }
    return result
  } catch (error) {
    progress.leave()
    throw error
  }
}

async function measureAll(cxl: Emucxl, wanted: Wanted, report: BenchReport): Promise<void> {
  const width = widthOf(process.stdout)
  const progress = new Progress()
  const print = (text: string) => !wanted.json && process.stdout.write(text)
  print(heading(report, width))
  for (const experiment of wanted.experiments) {
    const result = await measure(experiment, cxl, wanted.settings, report, progress)
    const { name, description } = experiment
    print(`\n${wrap(description, width, '  ', `${name} (${label(report)}): `)}\n\n`)
    if (wanted.svg !== undefined && experiment.picture !== undefined) {
      writeFileSync(wanted.svg, await experiment.picture(result, report.conditions))
    }
    print(
      experiment
        .tables(result)
        .map((table) => render(table, width))
        .join('\n'),
    )
  }
  print(`\n${report.conditions.map((line) => `${wrap(line, width, '  ', '! ')}\n`).join('')}`)
  if (wanted.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

export async function run(args: readonly string[]): Promise<void> {
  const wanted = read(args)
  if (wanted === 'help') {
    process.stdout.write(help())
    return
  }
  if (wanted.svg !== undefined) closeSync(openSync(wanted.svg, 'a')) // what fails fails at once
  const backend = await settleBackend(wanted.backend)
  const { Emucxl } = await import('../memory/emucxl.js')
  const { model } = wanted
  const cxl = Emucxl.open(model === undefined ? { backend } : { backend, latencyModel: model })
  try {
    const machine = readMachine()
    await measureAll(cxl, wanted, {
      version: packageVersion(),
      date: new Date().toISOString(),
      machine,
      backend: cxl.backend,
      nodes: cxl.nodes,
      latencyModel: model ?? null,
      conditions: standingConditions(cxl, machine, model),
      experiments: {},
    })
  } finally {
    cxl.close()
  }
}
