// A process that runs one experiment once, for its parent: see trials.ts. It is told by a message what to
// run, and tells by messages what happens.

import { memoryOfEach } from '../../lib/cli/available-memory.js'
import { addon } from '../../lib/memory/addon.js'
import type { BackendName } from '../../lib/memory/backends.js'
import { Emucxl } from '../../lib/memory/emucxl.js'
import type { LatencyPreset } from '../../lib/memory/latency-model.js'
import { readTopology } from '../../lib/memory/topology.js'
import { EXPERIMENTS } from '../experiments.js'
import { allowedCpus, countCaches, cpuNodes } from './cpus.js'
import type { Context, Result, Settings } from './experiment.js'

/** What a process is to run. */
export interface TrialRequest {
  experiment: string
  backend: BackendName
  latencyModel: LatencyPreset | null
  settings: Settings
  lastLevelCache: number
  /** Seconds that it may take; undefined where the settings say how much there is to do. */
  seconds: number | undefined
}

/** What it tells. */
export type TrialMessage =
  | { kind: 'progress'; done: number }
  | { kind: 'condition'; text: string }
  | { kind: 'result'; result: Result }
  | { kind: 'error'; message: string; code: string | undefined }

const tell = (message: TrialMessage) =>
  new Promise<void>((resolve) => process.send?.(message, () => resolve()) ?? resolve())

async function run(request: TrialRequest): Promise<Result> {
  const { backend, latencyModel, settings, lastLevelCache, seconds } = request
  const experiment = EXPERIMENTS.find(({ name }) => name === request.experiment)
  if (experiment === undefined) throw new Error(`there is no experiment ${request.experiment}`)
  using cxl = Emucxl.open(
    latencyModel === null ? { backend } : { backend: 'emulated', latencyModel },
  )
  const [topology, allowed] = [readTopology(), allowedCpus()]
  const [cpu = -1] = cpuNodes({ cxl, topology, allowed })[0].cpus
  const pinned = experiment.pinned && addon.pinThread(cpu)
  const began = performance.now()
  const timeGone = () =>
    seconds === undefined ? 0 : Math.min(1, (performance.now() - began) / (1000 * seconds))
  const context: Context = {
    cxl,
    settings,
    lastLevelCache,
    countCaches: (cpus) => countCaches(cpus),
    memoryOfEach: memoryOfEach(cxl.nodes),
    allowed,
    pinned,
    topology,
    timeGone,
    timeIsUp: () => timeGone() === 1,
    progress: (done) => void tell({ kind: 'progress', done }),
    condition: (text) => void tell({ kind: 'condition', text }),
  }
  return await experiment.run(context)
}

// Ctrl-C goes to all processes of a terminal: the parent decides what becomes of this one.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1)) // the parent is gone
process.once('message', async (request: TrialRequest) => {
  try {
    await tell({ kind: 'result', result: await run(request) })
  } catch (error) {
    const { message, code } = error as { message?: string; code?: string }
    await tell({ kind: 'error', message: message ?? String(error), code })
  }
  process.exit()
})
