// The list of all experiments, in the order in which `emucxl bench` runs them.

import { bandwidth } from './bandwidth.js'
import type { Experiment } from './experiment.js'
import { kv } from './kv.js'
import { latency } from './latency.js'
import { queue } from './queue.js'

export const EXPERIMENTS: readonly Experiment[] = [latency, bandwidth, queue, kv] as Experiment[]
