// What a reader must know before the figures of this machine are believed.

import type { Emucxl } from '../memory/emucxl.js'
import { type Machine, readText } from './machine.js'

/** The lines that hold for every experiment of a context. */
export function standingConditions(
  cxl: Pick<Emucxl, 'backend' | 'nodes'>,
  machine: Machine,
  model: string | undefined,
  root = '/',
): string[] {
  const lines: string[] = []
  if (cxl.backend === 'emulated') lines.push('emulated: not a CXL measurement')
  if (model !== undefined) {
    lines.push(`modelled: calls are slowed down by the latency model ${model}, not measured`)
  }
  if (new Set(cxl.nodes.map(({ numaNode }) => numaNode)).size === 1) {
    lines.push('one NUMA node: local and remote are the same memory')
  }
  if (machine.virtualMachine === 'QEMU TCG') {
    lines.push('virtual machine under TCG: times mean nothing')
  } else if (machine.virtualMachine !== null) {
    lines.push(`virtual machine (${machine.virtualMachine})`)
  }
  const governor = readText(root, 'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')
  if (governor !== undefined && governor !== 'performance') {
    lines.push(
      `frequency scaling: governor ${governor}; cpupower frequency-set -g performance ends it`,
    )
  }
  const balancing = readText(root, 'proc/sys/kernel/numa_balancing')
  if (cxl.backend !== 'emulated' && balancing !== undefined && balancing !== '0') {
    lines.push(
      'NUMA balancing is on: the kernel may move pages meanwhile; sysctl kernel.numa_balancing=0 ends it',
    )
  }
  return lines
}
