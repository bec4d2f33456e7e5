// The list of all experiments, in the order in which `emucxl bench` runs them.

import { access } from './access.js'
import { alloc } from './alloc.js'
import { bandwidth } from './bandwidth.js'
import type { Experiment } from './harness/experiment.js'
import { kv } from './kv.js'
import { latency } from './latency.js'
import { migrate } from './migrate.js'
import { queue } from './queue.js'

export const EXPERIMENTS: readonly Experiment[] = [
  latency,
  bandwidth,
  alloc,
  migrate,
  access,
  queue,
  kv,
] as Experiment[]
