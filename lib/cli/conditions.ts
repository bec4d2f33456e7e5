// What a reader must know before the figures of this machine are believed.

import type { Emucxl } from '../memory/emucxl.js'
import { type Machine, readFolder, readText } from './machine.js'

const CPUS = 'sys/devices/system/cpu'

/** The governors of all CPUs, each once. */
function governorsOf(root: string): string[] {
  const cpus = readFolder(root, CPUS).filter((name) => /^cpu\d+$/.test(name))
  const found = cpus.map((cpu) => readText(root, CPUS, cpu, 'cpufreq/scaling_governor'))
  return [...new Set(found.filter((governor) => governor !== undefined))]
}

/** Files that tell of clocks above the nominal one: what they hold then, and what ends it. */
const BOOSTS = [
  [`${CPUS}/intel_pstate/no_turbo`, '0', '1'],
  [`${CPUS}/cpufreq/boost`, '1', '0'],
] as const

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
  const governors = governorsOf(root).filter((governor) => governor !== 'performance')
  if (governors.length > 0) {
    lines.push(
      `frequency scaling: governor ${governors.join(', ')}; ` +
        'cpupower frequency-set -g performance ends it',
    )
  }
  for (const [file, on, off] of BOOSTS) {
    if (readText(root, file) !== on) continue
    lines.push(
      'frequency scaling: the clock rises where few CPUs are busy; ' +
        `echo ${off} | sudo tee /${file} ends it`,
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
