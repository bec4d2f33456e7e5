// What `emucxl bench --json` prints, by experiment: the published JSON Schemas are made of these types.

import type { AccessRow } from '../access.js'
import type { AllocRow } from '../alloc.js'
import type { BandwidthRow } from '../bandwidth/row.js'
import type { KvResult } from '../kv.js'
import type { LatencyRow } from '../latency/row.js'
import type { MigrateRow } from '../migrate.js'
import type { QueueRow } from '../queue.js'
import type { BenchReport, ExperimentReport } from './report.js'

/** What each experiment finds. */
export interface Results {
  latency: { rows: LatencyRow[] }
  bandwidth: { rows: BandwidthRow[] }
  alloc: { rows: AllocRow[] }
  migrate: { rows: MigrateRow[] }
  access: { rows: AccessRow[] }
  queue: { rows: QueueRow[] }
  kv: KvResult
}

/** A report with what this version can find. */
export type KnownReport = Omit<BenchReport, 'experiments'> & {
  experiments: { [N in keyof Results]?: Omit<ExperimentReport, 'rows'> & Results[N] }
}
