// The latency model of the emulated backend: what an access to a node takes, where no slower memory
// is there to measure. Every figure that it influences is modelled, not measured.

import { checkChoice, outOfRange, wrongType } from './arguments.js'

/** What accesses to a node take. */
export interface NodeLatency {
  /** Nanoseconds for one access. */
  latencyNs: number
  /** Bandwidth in GB/s (10^9 bytes a second). */
  bandwidthGBps: number
}

/** What accesses to the local node and to the remote ones take. */
export interface LatencyModel {
  local: NodeLatency
  remote: NodeLatency
}

/**
 * Table 5 of the second paper: an EPYC 9224 with a 128 GB CXL 1.1 expander, by Intel MLC. Latency is
 * given as a range there: `near` takes its lower ends, `far` its upper ones.
 */
export const LATENCY_PRESETS = {
  'table-5-near': {
    local: { latencyNs: 105, bandwidthGBps: 104 },
    remote: { latencyNs: 278, bandwidthGBps: 17.5 },
  },
  'table-5-far': {
    local: { latencyNs: 200, bandwidthGBps: 104 },
    remote: { latencyNs: 363, bandwidthGBps: 17.5 },
  },
} as const satisfies Record<string, LatencyModel>

/** The name of a model in {@link LATENCY_PRESETS}. */
export type LatencyPreset = keyof typeof LATENCY_PRESETS

function checkNode(value: unknown, name: string): NodeLatency {
  if (typeof value !== 'object' || value === null) {
    throw wrongType(name, '{ latencyNs, bandwidthGBps }', value)
  }
  const { latencyNs, bandwidthGBps } = value as Partial<NodeLatency>
  if (typeof latencyNs !== 'number') {
    throw wrongType(`${name}.latencyNs`, 'a number of nanoseconds', latencyNs)
  }
  if (!(latencyNs >= 0 && latencyNs <= 1e9)) {
    throw outOfRange(`${name}.latencyNs`, 'from 0 to 10^9 nanoseconds', latencyNs)
  }
  if (typeof bandwidthGBps !== 'number') {
    throw wrongType(`${name}.bandwidthGBps`, 'a number of GB/s', bandwidthGBps)
  }
  if (!(bandwidthGBps >= 0.001 && bandwidthGBps <= 1e6)) {
    throw outOfRange(`${name}.bandwidthGBps`, 'from 0.001 to 10^6 GB/s', bandwidthGBps)
  }
  return { latencyNs, bandwidthGBps }
}

/** A preset's name, or figures of the user's own. */
export function toLatencyModel(value: unknown): LatencyModel {
  const name = 'options.latencyModel'
  if (typeof value === 'string') {
    const presets = Object.keys(LATENCY_PRESETS) as LatencyPreset[]
    return LATENCY_PRESETS[checkChoice(value, name, presets)]
  }
  if (typeof value !== 'object' || value === null) {
    throw wrongType(name, 'the name of a preset, or { local, remote }', value)
  }
  const { local, remote } = value as Partial<LatencyModel>
  return { local: checkNode(local, `${name}.local`), remote: checkNode(remote, `${name}.remote`) }
}
