// What `emucxl info` tells of a machine, gathered from sysfs, /proc, /dev and the addon. Each path is
// taken below a root folder, so that tests can lay out machines.

import { constants } from 'node:buffer'
import { join } from 'node:path'
import type { BackendName } from '../memory/backends.js'
import type { EmucxlError } from '../memory/errors.js'
import { packageVersion } from '../memory/host.js'
import { chooseRoles, type NumaNode, readTopology } from '../memory/topology.js'
import { type DaxDevice, type DeviceFile, readDaxDevices, readDeviceFile } from './devices.js'
import { type Machine, readFolder, readMachine, readText } from './machine.js'

export interface AddonInfo {
  loaded: boolean
  /** The file that it was loaded from; null where it was not. */
  file: string | null
  /** The version of Node-API that it was built for. */
  nodeApi: number | null
  /** Why it was not loaded, and what to run. */
  reason: string | null
}

/** A NUMA node; sizes in bytes. */
export interface NodeInfo extends NumaNode {
  /** What it is for a context with default options: one, both where there is no other, or none. */
  roles: ('local' | 'remote')[]
}

export interface BackendInfo {
  name: BackendName
  /** Whether it can be asked for by name. */
  available: boolean
  /** What keeps it from running, and the remedy. */
  reason: string | null
  /** Why `auto` does not take it, though it is available. */
  note: string | null
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
export interface InfoReport {
  /** The package's version. */
  version: string
  addon: AddonInfo
  machine: Machine
  nodes: NodeInfo[]
  libnuma: { available: boolean; reason: string | null }
  /** /dev/emucxl, or the file named by --device. */
  device: DeviceFile
  devdax: DaxDevice[]
  backends: BackendInfo[]
  /** The backend that `auto` takes; null where the addon is not loaded. */
  auto: BackendName | null
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
  const maxMapCount = readText(root, 'proc/sys/vm/max_map_count')
  const thp = readText(root, 'sys/kernel/mm/transparent_hugepage/enabled')
  return {
    transparentHugePages: /\[(\w+)\]/.exec(thp ?? '')?.[1] ?? null,
    hugePools: readFolder(folder)
      .map((name) => ({
        pageSize: Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0) * 1024,
        total: Number(readText(folder, name, 'nr_hugepages') ?? 0),
        free: Number(readText(folder, name, 'free_hugepages') ?? 0),
      }))
      .sort((a, b) => a.pageSize - b.pageSize),
    maxMapCount: maxMapCount === undefined ? null : Number(maxMapCount),
    lockedMemory: { soft: toLimit(locked?.[1]), hard: toLimit(locked?.[2]) },
    largestArrayBuffer: constants.MAX_LENGTH,
  }
}

type NativeParts = Pick<InfoReport, 'addon' | 'libnuma' | 'backends' | 'auto'>

async function readNative(nodes: readonly NumaNode[], devicePath: string): Promise<NativeParts> {
  try {
    const { ADDON_NODE_API, addonFile } = await import('../memory/addon.js')
    const { chooseBackend, inspectBackends, obstacle } = await import('../memory/backends.js')
    const states = inspectBackends(nodes, devicePath)
    const withoutLibnuma = obstacle('libnuma', devicePath) ?? null
    return {
      addon: { loaded: true, file: addonFile, nodeApi: ADDON_NODE_API, reason: null },
      libnuma: { available: withoutLibnuma === null, reason: withoutLibnuma },
      backends: states.map(({ name, available, reason, note }) => ({
        name,
        available,
        reason: reason ?? null,
        note: note ?? null,
      })),
      auto: chooseBackend(states),
    }
  } catch (error) {
    if ((error as EmucxlError).code !== 'ERR_EMUCXL_LOAD') throw error
    const reason = 'the native addon is not loaded'
    return {
      addon: { loaded: false, file: null, nodeApi: null, reason: (error as Error).message },
      libnuma: { available: false, reason },
      backends: (['device', 'numa', 'emulated'] as const).map((name) => ({
        name,
        available: false,
        reason,
        note: null,
      })),
      auto: null,
    }
  }
}

/** Gathers everything. `devicePath` is absolute, below `root`. */
export async function takeInventory(devicePath: string, root = '/'): Promise<InfoReport> {
  const nodes = readNodes(root)
  const { addon, libnuma, backends, auto } = await readNative(nodes, join(root, devicePath))
  return {
    version: packageVersion(),
    addon,
    machine: readMachine(root),
    nodes,
    libnuma,
    device: readDeviceFile(devicePath, root),
    devdax: readDaxDevices(root),
    backends,
    auto,
    limits: readLimits(root),
  }
}
