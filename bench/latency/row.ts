// What the experiment `latency` finds.

import type { Measured } from '../harness/measured.js'

export interface LatencyRow extends Measured {
  /** `loaded`: while other threads read from the same memory. */
  kind: 'idle' | 'loaded'
  /** The NUMA node on a CPU of which the loads are made. */
  cpuNode: number
  /** The memory: the place it has in the context, and the kernel's number. */
  node: 'local' | 'remote'
  numaNode: number
  /** Bytes that the loads are spread over. */
  workingSetBytes: number
  pageBytes: number
  /** Threads that read meanwhile, on other CPUs of the same NUMA node. */
  threads: number
  /** What they read, in GB/s: the median; null where it is idle. */
  trafficGBps: number | null
  /** A sample is the mean of so many loads. */
  loadsPerSample: number
}

export const LINE = 64

/** Of how much more than the last-level cache a set must be to count as memory. */
export const CACHES = 4
