// A context for an experiment, of which a test sees what it tells.

import { onTestFinished } from 'vitest'
import { allowedCpus } from '../../bench/harness/cpus.js'
import type { Context, Settings } from '../../bench/harness/experiment.js'
import { Emucxl } from '../../lib/memory/emucxl.js'
import type { NumaNode } from '../../lib/memory/topology.js'

export interface Watched extends Context {
  conditions: string[]
  done: number[]
}

/** A context of an emulated backend, closed after the test; `changes` are what it has of another machine. */
export function watched(settings: Settings, changes: Partial<Context> = {}): Watched {
  const cxl = Emucxl.open({ backend: 'emulated' })
  onTestFinished(() => cxl.close())
  const conditions: string[] = []
  const done: number[] = []
  return {
    cxl,
    settings,
    lastLevelCache: 2 ** 16,
    countCaches: () => 1,
    memoryOfEach: 2 ** 30,
    allowed: allowedCpus(),
    pinned: true,
    topology: [],
    timeGone: () => 0,
    timeIsUp: () => false,
    progress: (share) => done.push(share),
    condition: (text) => conditions.push(text),
    conditions,
    done,
    ...changes,
  }
}

/** A NUMA node as sysfs tells of it, as far as experiments ask. */
export function numaNode(
  id: number,
  cpus: number[],
  distances: Record<number, number> = {},
): NumaNode {
  return { id, cpus, memoryTotal: 2 ** 30, memoryFree: 2 ** 30, allowed: true, distances }
}
