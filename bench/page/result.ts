// The result in plain words: what this run can tell of remote memory, or why it cannot.

import { figure } from '../../lib/cli/table.js'
import { bytesText } from '../../lib/cli/units.js'
import type { BenchReport } from '../harness/report.js'
import { CACHES } from '../latency/row.js'
import { idleLatencies } from './idle-latency.js'

/** Why figures of this run are not about remote memory; undefined where they are. */
function obstacle({ backend, latencyModel, nodes, machine }: BenchReport): string | undefined {
  if (latencyModel !== null) {
    return (
      `Modelled, not measured: the latency model ${latencyModel} slowed calls down, so this run shows what a ` +
      'program would feel, and nothing about this machine’s memory.'
    )
  }
  if (new Set(nodes.map(({ numaNode }) => numaNode)).size < 2) {
    return (
      'This run had one NUMA node: local and remote were the same memory. It tells what emucxl itself costs ' +
      'here, and says nothing about remote memory or CXL; where local and remote differ, that is noise.'
    )
  }
  if (backend === 'emulated') {
    return (
      'The emulated backend places nothing: this run tells what emucxl itself costs here, and says nothing ' +
      'about remote memory or CXL.'
    )
  }
  if (machine.virtualMachine === 'QEMU TCG') {
    return 'This run was in a virtual machine whose CPU is emulated in software: its times mean nothing.'
  }
  return undefined
}

const nanoseconds = (value: number) => `${figure(value, value < 10 ? 1 : 0)} ns`

function comparison(report: BenchReport): string {
  const found = idleLatencies(report)
  const local = found.find(({ role }) => role === 'local')
  const remote = found.find(({ role }) => role === 'remote')
  if (local === undefined || remote === undefined) {
    return 'Latency was not measured in this run; what was, is below.'
  }
  const cache = report.machine.lastLevelCache
  if (remote.bytes > 0 && remote.bytes < CACHES * cache) {
    return (
      `Caches answered some of the loads, whose largest working set of ${bytesText(remote.bytes)} is less than ` +
      `${CACHES} times the last-level cache: this run tells no latency of memory.`
    )
  }
  const ratio = remote.median / local.median
  const set = remote.bytes > 0 ? ` of loads from ${bytesText(remote.bytes)}` : ''
  const medians = `${nanoseconds(remote.median)} against ${nanoseconds(local.median)}, the medians${set}`
  if (ratio >= 0.95 && ratio <= 1.05) {
    return `Remote loads take as long as local ones: ${medians}.`
  }
  return `Remote loads take ${figure(ratio, ratio < 1.5 ? 2 : 1)} times as long as local ones: ${medians}.`
}

export function resultText(report: BenchReport): string {
  const ended = report.interrupted ? ' The run was ended before all was measured.' : ''
  return `${obstacle(report) ?? comparison(report)}${ended}`
}
