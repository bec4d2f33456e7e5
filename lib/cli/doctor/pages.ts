// Checks of pages: huge ones, the number of mappings, and swap.

import { figure } from '../table.js'
import { bytesText } from '../units.js'
import { type Check, found } from './findings.js'
import { asRoot, sysctl, write } from './remedies.js'

const HUGE_PAGE = 2 ** 21
/** What a remedy reserves: 1 GiB. */
const RESERVED = 512
/** DEFAULT_MAX_MAP_COUNT of the kernel. */
const MAPPINGS = 65_530

const checkTransparent: Check = ({ info, system }) => {
  const mode = info.limits.transparentHugePages
  if (mode === null) {
    const text = 'no transparent huge pages in this kernel: hugePages ‘prefer’ gives small ones'
    return [found('transparent-huge-pages', 'note', text)]
  }
  if (mode !== 'never') {
    return [found('transparent-huge-pages', 'good', `transparent huge pages: ${mode}`)]
  }
  const text = 'transparent huge pages: never; hugePages ‘prefer’ gives small ones'
  const remedy = write(system, 'madvise', '/sys/kernel/mm/transparent_hugepage/enabled')
  return [found('transparent-huge-pages', 'note', text, remedy)]
}

/** `require` takes pages of 2 MiB from the pool of its node. */
const checkPool: Check = ({ info, system }) => {
  const pool = info.limits.hugePools.find(({ pageSize }) => pageSize === HUGE_PAGE)
  if (pool === undefined) return []
  if (pool.total === 0) {
    const text = 'no huge pages of 2 MiB are reserved, which hugePages ‘require’ alone needs'
    return [found('huge-page-pool', 'good', text)]
  }
  const total = `${figure(pool.free)} of ${figure(pool.total)} huge pages of 2 MiB are free`
  const wanting = info.nodes.filter(
    ({ id, roles }) => roles.length > 0 && system.hugePages.get(id) === 0,
  )
  const [node] = wanting
  if (node === undefined) return [found('huge-page-pool', 'good', total)]
  const file = `/sys/devices/system/node/node${node.id}/hugepages/hugepages-2048kB/nr_hugepages`
  const text = `${total}, none of them on the ${node.roles.join(' and ')} node ${node.id}: hugePages ‘require’ fails there`
  return [found('huge-page-pool', 'note', text, write(system, `${RESERVED}`, file))]
}

const checkMappings: Check = ({ info, system }) => {
  const { maxMapCount } = info.limits
  if (maxMapCount === null) return []
  const text = `a process may hold ${figure(maxMapCount)} mappings (vm.max_map_count)`
  if (maxMapCount >= MAPPINGS) return [found('max-map-count', 'good', text)]
  const remedy = sysctl(system, `vm.max_map_count=${MAPPINGS}`)
  const few = `${text}: fewer than usual, and a block can need one of its own`
  return [found('max-map-count', 'problem', few, remedy)]
}

const checkSwap: Check = ({ system }) => {
  const { total, used } = system.swap
  if (total === 0) return [found('swap', 'good', 'no swap: blocks stay in memory')]
  const text = `${bytesText(total)} of swap, ${bytesText(used)} used: a block may be swapped out unless it is locked (option lock)`
  return [found('swap', 'note', text, asRoot(system, 'swapoff -a'))]
}

export const PAGE_CHECKS: readonly Check[] = [checkTransparent, checkPool, checkMappings, checkSwap]
