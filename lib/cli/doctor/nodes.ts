// Checks of the NUMA nodes: which are there, which have memory, and of what kind it is.

import { isUsable } from '../../memory/topology.js'
import type { NodeInfo } from '../inventory.js'
import { bytesText } from '../units.js'
import { type Check, type Examined, type Found, found } from './findings.js'
import { restarted, withTool, write } from './remedies.js'

/** `node 2`, `nodes 0 and 5`, `nodes 0, 2 and 5`. */
export function nodesText(ids: readonly number[]): string {
  const last = ids.at(-1)
  const listed = ids.length < 2 ? `${last}` : `${ids.slice(0, -1).join(', ')} and ${last}`
  return `${ids.length === 1 ? 'node' : 'nodes'} ${listed}`
}

const idsOf = (nodes: readonly NodeInfo[]) => nodes.map(({ id }) => id)

const checkNodes: Check = ({ info: { nodes }, system }) => {
  if (!system.listsNodes) {
    const text =
      'sysfs lists no NUMA nodes: this kernel is built without them, or /sys is hidden here. The whole machine counts as node 0'
    return [found('nodes', 'note', text)]
  }
  const withMemory = nodes.filter(({ memoryTotal }) => memoryTotal > 0)
  const online = `${nodesText(idsOf(nodes))} ${nodes.length === 1 ? 'is' : 'are'} online`
  const which = withMemory.length === nodes.length ? 'with memory' : 'with memory in'
  const some = withMemory.length === nodes.length ? '' : ` ${nodesText(idsOf(withMemory))}`
  const [local] = nodes.filter(({ roles }) => roles.includes('local'))
  const [remote] = nodes.filter(({ roles }) => roles.includes('remote'))
  const roles =
    local === undefined || remote === undefined || local === remote
      ? ''
      : `; from this CPU ${local.id} is local, ${remote.id} remote`
  return [found('nodes', 'good', `${online}, ${which}${some}${roles}`)]
}

/** The devdax device whose memory a node is. */
const deviceOf = ({ info }: Examined, node: number) =>
  info.devdax.find(({ use, targetNode }) => use === 'system-ram' && targetNode === node)

function onlining(examined: Examined, node: number): string {
  const { system } = examined
  const device = deviceOf(examined, node)
  if (device !== undefined) return withTool(system, 'daxctl', `online-memory ${device.name}`)
  return write(system, 'online_movable', `/sys/devices/system/node/node${node}/memory*/state`)
}

function ofMemory(examined: Examined, { id, cpus, memoryTotal }: NodeInfo): Found[] {
  const { offline = 0, online = 0 } = examined.system.blocks.get(id) ?? {}
  if (offline > 0) {
    const { blockSize } = examined.system
    const size = blockSize === null ? '' : `, ${bytesText(offline * blockSize)}`
    const which = online > 0 ? `${offline} of its ${offline + online} memory blocks` : 'its memory'
    const blocks = online > 0 ? size : `: ${offline} blocks${size}`
    const text = `node ${id}: ${which} ${online > 0 ? 'are' : 'is'} plugged in, and offline${blocks}`
    return [found('node-memory', 'problem', text, onlining(examined, id))]
  }
  if (memoryTotal > 0) return []
  const why =
    cpus.length > 0
      ? 'has CPUs and no memory: they use that of other nodes'
      : 'has no memory: nothing is plugged in there yet'
  return [found('node-memory', 'note', `node ${id} ${why}`)]
}

const checkMemory: Check = (examined) =>
  examined.info.nodes.flatMap((node) => ofMemory(examined, node))

/** cpuset(7): a container or a unit of systemd can be kept to some of the nodes. */
const checkAllowed: Check = ({ info: { nodes }, system }) => {
  const forbidden = nodes.filter((node) => node.memoryTotal > 0 && !node.allowed)
  if (forbidden.length === 0) return []
  const text = `${nodesText(idsOf(forbidden))}: forbidden to this process by its cpuset`
  const level = nodes.filter(isUsable).length < 2 ? 'problem' : 'note'
  const all = idsOf(nodes.filter(({ memoryTotal }) => memoryTotal > 0)).join(',')
  return [found('node-allowed', level, text, restarted(system, `--cpuset-mems ${all}`))]
}

/** Only matters to the kernel module, which cannot take pages of ZONE_MOVABLE. */
const checkZones: Check = (examined) => {
  const { info, system } = examined
  if (!info.device.present) return []
  return [...system.blocks]
    .filter(([, { online, movable }]) => online > 0 && online === movable)
    .map(([node]) => {
      const text = `node ${node} is all ZONE_MOVABLE: the backend numa can use it, ${info.device.path} cannot`
      const device = deviceOf(examined, node)?.name
      const steps = [`offline-memory ${device}`, `online-memory --no-movable ${device}`]
      const remedy = device === undefined ? undefined : withTool(system, 'daxctl', ...steps)
      return found('node-zone', 'note', text, remedy)
    })
}

export const NODE_CHECKS: readonly Check[] = [checkNodes, checkMemory, checkAllowed, checkZones]
