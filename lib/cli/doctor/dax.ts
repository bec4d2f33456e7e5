// Checks of the dax devices: mapped through their files (devdax), or given to the kernel as a NUMA
// node (system-ram).

import type { DaxDevice } from '../devices.js'
import { bytesText } from '../units.js'
import { type Check, type Examined, type Found, found } from './findings.js'
import { asRoot, restarted, withTool, write } from './remedies.js'

const MIB = 2 ** 20

/**
 * daxctl-reconfigure-device(1). Where the kernel onlines new memory by itself, daxctl refuses without
 * --force (daxctl_dev_will_auto_online_memory() in libdaxctl.c).
 */
function toSystemRam({ system }: Examined, name: string): string {
  const force = system.autoOnline?.startsWith('online') ? '--force ' : ''
  return withTool(system, 'daxctl', `reconfigure-device --mode=system-ram ${force}${name}`)
}

function ofMode(examined: Examined, device: DaxDevice): Found {
  const { name, size, use, targetNode, numaNode } = device
  const near =
    numaNode === null || numaNode < 0 || use === 'system-ram' ? '' : `, near node ${numaNode}`
  const what = `${name}: ${size === null ? 'memory of unknown size' : bytesText(size)}${near}`
  if (use === 'system-ram') {
    return found('dax-mode', 'good', `${what}, system memory as node ${targetNode ?? 'unknown'}`)
  }
  if (use === null) {
    const text = `${what}, without a driver: neither ${device.path} nor a NUMA node`
    return found('dax-mode', 'problem', text, toSystemRam(examined, name))
  }
  const mode = `${what}, in mode devdax: a program maps ${device.path} itself`
  if (targetNode === null || targetNode < 0) return found('dax-mode', 'note', mode)
  const text = `${mode}. The backend numa can have it as node ${targetNode}; what is on it is lost then:`
  return found('dax-mode', 'note', text, toSystemRam(examined, name))
}

/** kmem takes no device without a target node (dev_dax_kmem_probe() in drivers/dax/kmem.c). */
function ofNode({ info }: Examined, { name, targetNode, use }: DaxDevice): Found[] {
  if (targetNode === null || targetNode < 0) {
    const text = `${name} has no target node: the firmware gives it none, and it cannot become system memory`
    return [found('dax-node', 'note', text)]
  }
  const node = info.nodes.find(({ id }) => id === targetNode)
  if (node === undefined || node.cpus.length === 0) return []
  const is = use === 'system-ram' ? 'is' : 'would be'
  const text = `${name} ${is} part of node ${targetNode}, which has CPUs: local and remote memory cannot be told apart there`
  return [found('dax-node', 'note', text)]
}

function ofSize({ system }: Examined, { name, size, align, use }: DaxDevice): Found[] {
  if (use === 'devdax' && align !== null && align > 0 && align < 2 * MIB) {
    const commands = [
      `disable-device ${name}`,
      `reconfigure-device --align=2M ${name}`,
      `enable-device ${name}`,
    ]
    const text = `${name} is aligned to ${bytesText(align)}: its mappings have no huge pages`
    return [found('dax-size', 'note', text, withTool(system, 'daxctl', ...commands))]
  }
  const lost = size === null || system.blockSize === null ? 0 : size % system.blockSize
  if (lost > 0) {
    const text = `${name}: as system memory ${bytesText(lost)} of it are lost, which fill no memory block of ${bytesText(system.blockSize ?? 0)}`
    return [found('dax-size', 'note', text)]
  }
  if (align === null || align === 0) return []
  return [found('dax-size', 'good', `${name} is aligned to ${bytesText(align)}`)]
}

function ofPermission({ system }: Examined, device: DaxDevice): Found[] {
  if (device.use !== 'devdax') return []
  const { path } = device
  if (device.opens) return [found('dax-permission', 'good', `${path} can be opened`)]
  if (!device.present) {
    const remedy = restarted(system, `--device ${path}`)
    return [found('dax-permission', 'note', `${path} is not shown here`, remedy)]
  }
  const text = `${path} (${device.mode} ${device.owner})`
  if (!device.reason?.startsWith('may not')) {
    return [found('dax-permission', 'note', `${text} ${device.reason}`)]
  }
  const remedy = asRoot(system, `chown "$USER" ${path}`)
  const until = 'may not be opened by this user. Until the next start:'
  return [found('dax-permission', 'note', `${text} ${until}`, remedy)]
}

const checkDevices: Check = (examined) =>
  examined.info.devdax
    .filter(({ size }) => size !== 0) // seeds: new devices are made of them
    .flatMap((device) => [
      ofMode(examined, device),
      ...ofNode(examined, device),
      ...ofSize(examined, device),
      ...ofPermission(examined, device),
    ])

/** The policy counts where memory can be plugged in (admin-guide/mm/memory-hotplug.rst). */
const checkAutoOnline: Check = ({ info, cxl, system }) => {
  const { autoOnline } = system
  const hot = info.devdax.length > 0 || cxl.memories.length > 0
  if (autoOnline === null) {
    if (!hot) return []
    return [
      found('auto-online', 'note', 'this kernel cannot plug in memory: system-ram is not possible'),
    ]
  }
  const what = `memory that is plugged in: ${autoOnline}`
  switch (autoOnline) {
    case 'online_movable':
      return [found('auto-online', 'good', `${what}, so it can be unplugged again`)]
    case 'offline':
      return [found('auto-online', 'good', `${what}, until daxctl or a rule of udev onlines it`)]
    case 'online':
    case 'online_kernel': {
      if (!hot) return [found('auto-online', 'good', what)]
      const text = `${what}. The kernel’s own data may come to lie there, and it can never be unplugged`
      const file = '/sys/devices/system/memory/auto_online_blocks'
      return [found('auto-online', 'note', text, write(system, 'online_movable', file))]
    }
    default:
      return [found('auto-online', 'note', `${what}, which this version does not know`)]
  }
}

/** The policy first: it decides what becomes of a device that is made system memory. */
export const DAX_CHECKS: readonly Check[] = [checkAutoOnline, checkDevices]
