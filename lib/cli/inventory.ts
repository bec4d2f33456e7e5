// What `emucxl info` tells of a machine, gathered from sysfs, /proc, /dev and the addon. Each path is
// taken below a root folder, so that tests can lay out machines.

import { constants } from 'node:buffer'
import { join } from 'node:path'
import { packageVersion } from '../memory/host.js'
import { chooseRoles, type NumaNode, readTopology } from '../memory/topology.js'
import { type DaxDevice, type DeviceFile, readDaxDevices, readDeviceFile } from './devices.js'
import { type Machine, readFolder, readMachine, readNumber, readText } from './machine.js'
import { type NativeState, PROBES, type Probes } from './probes.js'

/** A NUMA node; sizes in bytes. */
export interface NodeInfo extends NumaNode {
  /** What it is for a context with default options: one, both where there is no other, or none. */
  roles: ('local' | 'remote')[]
}

/** A limit in bytes; null where it cannot be read. */
export type Limit = number | 'unlimited' | null

export interface Limits {
  /** Mode of transparent huge pages; null where the kernel has none. */
  transparentHugePages: string | null
  /** Pools of huge pages; sizes in bytes, the others in pages. */
  hugePools: { pageSize: number; total: number; free: number }[]
  /** vm.max_map_count: mappings that a process may hold. */
  maxMapCount: number | null
  /** RLIMIT_MEMLOCK: what `lock` may lock. */
  lockedMemory: { soft: Limit; hard: Limit }
  /** Bytes of the largest ArrayBuffer of this Node.js. */
  largestArrayBuffer: number
}

/** What `emucxl info --json` prints. */
export interface InfoReport extends NativeState {
  /** The package's version. */
  version: string
  machine: Machine
  nodes: NodeInfo[]
  /** /dev/emucxl, or the file named by --device. */
  device: DeviceFile
  devdax: DaxDevice[]
  limits: Limits
}

/** The CPU that this thread runs on; 0 where /proc does not tell. */
function currentCpu(root: string): number {
  // The command's name, in brackets, may hold spaces: count from behind it. The CPU is field 39.
  const fields = readText(root, 'proc/self/stat')
    ?.replace(/^.*\)\s*/s, '')
    .split(' ')
  return Number(fields?.[36] ?? 0)
}

function readNodes(root: string): NodeInfo[] {
  const nodes = readTopology(root)
  const roles = chooseRoles(nodes, currentCpu(root))
  return nodes.map((node) => ({
    ...node,
    roles: [
      ...(node.id === roles.local ? (['local'] as const) : []),
      ...(roles.remote.includes(node.id) ? (['remote'] as const) : []),
    ],
  }))
}

function toLimit(text: string | undefined): Limit {
  if (text === undefined) return null
  return text === 'unlimited' ? text : Number(text)
}

function readLimits(root: string): Limits {
  const folder = join(root, 'sys/kernel/mm/hugepages')
  const locked = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(
    readText(root, 'proc/self/limits') ?? '',
  )
  const thp = readText(root, 'sys/kernel/mm/transparent_hugepage/enabled')
  return {
    transparentHugePages: /\[(\w+)\]/.exec(thp ?? '')?.[1] ?? null,
    hugePools: readFolder(folder)
      .map((name) => ({
        pageSize: Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0) * 1024,
        total: readNumber(folder, name, 'nr_hugepages') ?? 0,
        free: readNumber(folder, name, 'free_hugepages') ?? 0,
      }))
      .sort((a, b) => a.pageSize - b.pageSize),
    maxMapCount: readNumber(root, 'proc/sys/vm/max_map_count') ?? null,
    lockedMemory: { soft: toLimit(locked?.[1]), hard: toLimit(locked?.[2]) },
    largestArrayBuffer: constants.MAX_LENGTH,
  }
}

/** Gathers everything. `devicePath` is absolute, below `root`. */
export async function takeInventory(
  devicePath: string,
  root = '/',
  probes: Probes = PROBES,
): Promise<InfoReport> {
  const nodes = readNodes(root)
  const { addon, libnuma, backends, auto } = await probes.native(nodes, join(root, devicePath))
  return {
    version: packageVersion(),
    addon,
    machine: readMachine(root),
    nodes,
    libnuma,
    device: readDeviceFile(devicePath, root, probes),
    devdax: readDaxDevices(root, probes),
    backends,
    auto,
    limits: readLimits(root),
  }
}
