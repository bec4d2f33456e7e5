// What `emucxl bench --json` prints, by experiment: the published JSON Schemas are made of these types.

import type { CopyRow } from './copy.js'
import type { KvResult } from './kv.js'
import type { LatencyRow } from './latency.js'
import type { QueueRow } from './queue.js'
import type { BenchReport, ExperimentReport } from './report.js'

/** What each experiment finds. */
export interface Results {
  latency: { rows: LatencyRow[] }
  copy: { rows: CopyRow[] }
  queue: { rows: QueueRow[] }
  kv: KvResult
}

/** A report with what this version can find. */
export type KnownReport = Omit<BenchReport, 'experiments'> & {
  experiments: { [N in keyof Results]?: Omit<ExperimentReport, 'rows'> & Results[N] }
}
