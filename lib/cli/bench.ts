// `emucxl bench`: runs experiments, prints their tables or one JSON report, and writes what else is wanted.

import { compare, comparisonTables } from '../../bench/harness/compare.js'
import { labelOf } from '../../bench/harness/label.js'
import { addExperiment, type BenchReport, type Plan, planOf } from '../../bench/harness/report.js'
import { readReport } from '../../bench/harness/saved.js'
import type { BackendName } from '../memory/backends.js'
import { packageVersion } from '../memory/host.js'
import { readTopology } from '../memory/topology.js'
import { checkFiles, writeFiles } from './bench-files.js'
import { help, list, read, type Wanted } from './bench-options.js'
import { standingConditions } from './conditions.js'
import { Failures, lineOf } from './failures.js'
import { cpuText, readMachine } from './machine.js'
import { Progress } from './progress.js'
import { goOnWithoutReader } from './reader.js'
import { render, widthOf, wrap } from './table.js'

/** As a shell tells of a command that Ctrl-C ended. */
const INTERRUPTED = 130

/** Finds out what `auto` takes, and says so in the words of this command where it is no real thing. */
async function settleBackend(asked: 'auto' | BackendName): Promise<BackendName> {
  if (asked !== 'auto') return asked
  const { chooseBackend, inspectBackends } = await import('../memory/backends.js')
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

/** The report, before anything is measured. */
async function begin({ backend: asked, model, settings }: Wanted): Promise<BenchReport> {
  const backend = await settleBackend(asked)
  const { Emucxl } = await import('../memory/emucxl.js')
  const cxl = Emucxl.open(model === undefined ? { backend } : { backend, latencyModel: model })
  try {
    const machine = readMachine()
    return {
      version: packageVersion(),
      date: new Date().toISOString(),
      quick: settings.quick === true,
      interrupted: false,
      machine,
      numaNodes: readTopology(),
      backend: cxl.backend,
      nodes: cxl.nodes,
      latencyModel: model ?? null,
      conditions: standingConditions(cxl, machine, model),
      experiments: {},
    }
  } finally {
    cxl.close()
  }
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

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)

/** Seconds that plans take, at most. */
const secondsOf = (plans: readonly Plan[]) =>
  sum(plans.map(({ processes, seconds = 0 }) => processes * seconds))

/** Runs an experiment, telling how far it is. Returns its tables as text, none where it was ended. */
async function measure(
  report: BenchReport,
  plans: readonly Plan[],
  at: number,
  wanted: Wanted,
  failures: Failures,
  signal: AbortSignal,
  width: number,
): Promise<string> {
  const plan = plans[at] as Plan
  const { experiment, processes, seconds = 0 } = plan
  const { name, description } = experiment
  const later = secondsOf(plans.slice(at + 1))
  const progress = new Progress()
  progress.start(name)
  const hear = (process: number, done: number) => {
    const left = seconds * (processes - process - done)
    progress.update((process + done) / processes, left + later)
  }
  try {
    const { result, error } = await addExperiment(report, plan, wanted.settings, hear, signal)
    if (error !== undefined) failures.add(error)
    if (result === undefined || error !== undefined) progress.leave()
    else progress.end()
    if (result === undefined) return ''
    const tables = experiment.tables(result).map((table) => render(table, width))
    const head = wrap(description, width, '  ', `${name} (backend ${labelOf(report)}): `)
    return `\n${head}\n\n${tables.join('\n')}`
  } catch (error) {
    progress.leave()
    throw error
  }
}

/** Measures what is planned, and prints it. An experiment that fails leaves what the others find. */
async function measureAll(
  report: BenchReport,
  plans: readonly Plan[],
  failures: Failures,
  measureOne: (at: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < plans.length && !signal.aborted; at++) {
    try {
      await measureOne(at)
    } catch (error) {
      failures.add(error)
      report.conditions.push(`${plans[at]?.experiment.name}: failed: ${lineOf(error)}`)
    }
  }
  if (Object.keys(report.experiments).length === 0) failures.end()
}

/** Ctrl-C, once: what was measured is still to be printed. A second one ends the command at once. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  process.removeAllListeners('SIGINT')
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort()
  })
  return controller.signal
}

export async function run(args: readonly string[]): Promise<void> {
  const wanted = read(args)
  if (wanted === 'help') {
    process.stdout.write(help())
    return
  }
  const { files, settings } = wanted
  checkFiles(files)
  if (files.csv !== undefined || files.html !== undefined || files.svg !== undefined) {
    goOnWithoutReader()
  }
  const earlier = files.compare === undefined ? undefined : readReport(files.compare)
  const signal = interruption()
  const report = await begin(wanted)
  const width = widthOf(process.stdout)
  const print = (text: string) => !wanted.json && process.stdout.write(text)
  print(heading(report, width))
  const plans = wanted.experiments.map((each) => planOf(each, settings, wanted.processes))
  const failures = new Failures()
  const measureOne = async (at: number) => {
    print(await measure(report, plans, at, wanted, failures, signal, width))
  }
  await measureAll(report, plans, failures, measureOne, signal)
  report.interrupted = signal.aborted
  if (earlier !== undefined) {
    report.comparison = compare(report, earlier)
    report.conditions.push(...report.comparison.conditions)
    const tables = comparisonTables(report.comparison).map((table) => render(table, width))
    print(`\n${tables.join('\n')}`)
  }
  print(`\n${report.conditions.map((line) => `${wrap(line, width, '  ', '! ')}\n`).join('')}`)
  if (wanted.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  // After what was measured is out; where that is nothing, earlier files stay what they are.
  if (Object.keys(report.experiments).length > 0) {
    await writeFiles(report, plans, wanted.files, failures)
  }
  failures.end()
  if (report.interrupted) process.exitCode = INTERRUPTED
}
