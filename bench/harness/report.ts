// What a run of experiments found, and about what machine: the JSON document that `emucxl bench` prints,
// compares, and makes pages of.

import { lineOf } from '../../lib/cli/failures.js'
import type { Machine } from '../../lib/cli/machine.js'
import type { BackendName } from '../../lib/memory/backends.js'
import type { LatencyPreset } from '../../lib/memory/latency-model.js'
import type { Node } from '../../lib/memory/options.js'
import type { NumaNode } from '../../lib/memory/topology.js'
import type { Comparison } from './compare.js'
import type { Experiment, Result, Settings } from './experiment.js'
import { runTrial, type TrialHooks } from './trials.js'

export interface ExperimentReport extends Result {
  /** What was measured, and how. */
  description: string
  /** What it took. */
  seconds: number
  /** Processes that measured it, one after the other. */
  processes: number
}

export interface BenchReport {
  /** The package's version. */
  version: string
  /** ISO 8601. */
  date: string
  /** Whether it was `--quick`. */
  quick: boolean
  /** Whether it was ended before all was measured. */
  interrupted: boolean
  machine: Machine
  /** The machine's NUMA nodes. */
  numaNodes: readonly NumaNode[]
  backend: BackendName
  nodes: readonly Node[]
  /** The name of the latency model of the emulated backend, or null. */
  latencyModel: LatencyPreset | null
  /** What a reader must know before the figures are believed. */
  conditions: string[]
  /** By name; the fields of rows are those of its module in bench/. */
  experiments: Record<string, ExperimentReport>
  /** What has changed since an earlier run, where one was named. */
  comparison?: Comparison
}

/** How much an experiment may take; without seconds the settings say how much there is to do. */
export interface Plan {
  experiment: Experiment
  processes: number
  seconds: number | undefined
}

export function planOf(
  experiment: Experiment,
  settings: Settings,
  processes: number | undefined,
): Plan {
  const effort = experiment.effort[settings.quick === true ? 'quick' : 'full']
  const seconds = settings.runs === undefined ? effort.seconds : undefined
  return { experiment, processes: processes ?? effort.processes, seconds }
}

/** Conditions of several processes are one where they differ in numbers alone. */
const alike = (text: string) => text.replace(/\d+/g, '0')

/** What came of an experiment. */
export interface Outcome {
  /** What its processes found; undefined where `signal` ended it before the first of them had found anything. */
  result?: Result
  /** What one of them failed of, after others had found something. */
  error?: unknown
}

/**
 * Runs an experiment, and adds what it finds to the report. Throws what its first process fails of: a later one
 * leaves what those before it have found.
 */
export async function addExperiment(
  report: BenchReport,
  { experiment, processes, seconds }: Plan,
  settings: Settings,
  progress: (process: number, done: number) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const conditions = new Map(report.conditions.map((text) => [alike(text), text]))
  const condition = (text: string) => void conditions.set(alike(text), text)
  const { name, description } = experiment
  const { backend, latencyModel } = report
  const { lastLevelCache } = report.machine
  const request = { experiment: name, backend, latencyModel, settings, lastLevelCache, seconds }
  const began = performance.now()
  const results: Result[] = []
  const outcome: Outcome = {}
  for (let i = 0; i < processes; i++) {
    const hooks: TrialHooks = { progress: (done) => progress(i, done), condition }
    try {
      const result = await runTrial(request, hooks, signal)
      if (result === undefined) break
      results.push(result)
    } catch (error) {
      if (results.length === 0) throw error
      outcome.error = error
      condition(`${name}: failed: ${lineOf(error)}`)
      break
    }
  }
  if (results.length === 0) return outcome
  if (results.length < processes) {
    condition(`${name}: ended after ${results.length} of ${processes} processes`)
  }
  report.conditions = [...conditions.values()]
  outcome.result = experiment.merge(results)
  report.experiments[name] = {
    description,
    seconds: (performance.now() - began) / 1000,
    processes: results.length,
    ...outcome.result,
  }
  return outcome
}
