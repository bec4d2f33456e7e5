// Checks of what moves pages behind a program's back: NUMA balancing and demotion; and of what the
// kernel takes for fast and slow.

import { type Check, type Examined, found } from './findings.js'
import { nodesText } from './nodes.js'
import { sysctl, write } from './remedies.js'

/** Kernels tell of tiers only where there is more than one node with memory to compare. */
function isTiered({ system, info }: Examined): boolean {
  if (system.tiers.length > 0) return system.tiers.length > 1
  return info.nodes.some(({ cpus, memoryTotal }) => cpus.length === 0 && memoryTotal > 0)
}

/**
 * Blocks of the backend numa are bound (MPOL_BIND without MPOL_F_MOF), and balancing skips them
 * (vma_policy_mof() in mm/mempolicy.c); those of the device are no business of its either.
 */
const checkBalancing: Check = ({ info, system }) => {
  const { numaBalancing } = system
  if (numaBalancing === null) return []
  const off = 'kernel.numa_balancing is off'
  if (numaBalancing === 0) return [found('numa-balancing', 'good', off)]
  const on = `kernel.numa_balancing is ${numaBalancing}`
  if (info.nodes.length < 2) {
    return [found('numa-balancing', 'good', `${on}, without effect on one node`)]
  }
  const text = `${on}: the kernel unmaps pages now and then to see who uses them, which disturbs measurements. Blocks of emucxl stay where they are`
  return [found('numa-balancing', 'note', text, sysctl(system, 'kernel.numa_balancing=0'))]
}

/** sysfs-kernel-mm-numa. It heeds no policy of a program. */
const checkDemotion: Check = (examined) => {
  const { system } = examined
  if (system.demotion === null) return []
  if (!system.demotion) return [found('demotion', 'good', 'demotion to slower nodes is off')]
  if (!isTiered(examined)) {
    return [found('demotion', 'good', 'demotion is on, without a slower tier to demote to')]
  }
  const text =
    'demotion is on: where a node fills up, the kernel moves pages to a slower one, also pages of local blocks. where() shows it'
  const file = '/sys/kernel/mm/numa/demotion_enabled'
  return [found('demotion', 'note', text, write(system, 'false', file))]
}

const checkTiers: Check = ({ system: { tiers } }) => {
  const listed = tiers.map(({ id, nodes }) => `${nodesText(nodes)} (tier ${id})`)
  switch (tiers.length) {
    case 0:
      return []
    case 1: {
      const text = `one memory tier, of ${listed[0]}: the kernel takes all memory for equally fast`
      return [found('memory-tiers', 'good', text)]
    }
    default:
      return [found('memory-tiers', 'good', `memory tiers, fastest first: ${listed.join(', ')}`)]
  }
}

const checkInterleave: Check = ({ system: { weights } }) => {
  if (weights.size === 0) return []
  const listed = [...weights].map(([node, weight]) => `${weight} on node ${node}`).join(', ')
  const text = `weighted interleave: ${listed}; blocks of emucxl each have one node`
  return [found('weighted-interleave', 'good', text)]
}

export const TIERING_CHECKS: readonly Check[] = [
  checkBalancing,
  checkDemotion,
  checkTiers,
  checkInterleave,
]
