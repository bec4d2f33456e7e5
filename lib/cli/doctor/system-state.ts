// What the doctor reads of the kernel's settings, beyond what `emucxl info` shows. Each path is taken
// below a root folder; what cannot be read, or makes no sense, is null or missing.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type NumaNode, parseList } from '../../memory/topology.js'
import { readFolder, readNumber, readText } from '../machine.js'

/** The memory blocks of a node: admin-guide/mm/memory-hotplug.rst. */
export interface NodeBlocks {
  online: number
  offline: number
  /** Of those online, how many are in ZONE_MOVABLE. */
  movable: number
}

export interface SystemState {
  isRoot: boolean
  /** Programs that remedies take, and that are there. */
  programs: { daxctl: boolean; cxl: boolean }
  packageManager: 'apt' | 'dnf' | 'zypper' | 'pacman' | 'apk' | null
  container: 'Docker' | 'Podman' | 'Kubernetes' | null
  /** Whether a seccomp filter is on this process; null where the kernel does not tell. */
  filtered: boolean | null
  /** Whether sysfs lists NUMA nodes. */
  listsNodes: boolean
  /** Of the nodes without CPUs, or without memory. */
  blocks: Map<number, NodeBlocks>
  /** Bytes of a memory block. */
  blockSize: number | null
  module: { loaded: boolean; installed: boolean }
  /** What becomes of memory that is plugged in: offline, online, online_kernel, online_movable. */
  autoOnline: string | null
  /** Bits: 1 between nodes, 2 between tiers (admin-guide/sysctl/kernel.rst). */
  numaBalancing: number | null
  demotion: boolean | null
  /** Fastest first. */
  tiers: { id: number; nodes: number[] }[]
  /** Weights of the nodes for interleaving; empty where the kernel has none. */
  weights: Map<number, number>
  /** Reserved pages of 2 MiB by node. */
  hugePages: Map<number, number>
  /** Bytes. */
  swap: { total: number; used: number }
}

/** Numbered entries of a folder: of `node0`, `node2` and `auto` the numbers 0 and 2, in order. */
function numbered(folder: string, word: string): number[] {
  return readFolder(folder)
    .map((name) => (name.startsWith(word) ? name.slice(word.length) : ''))
    .filter((digits) => /^\d+$/.test(digits))
    .map(Number)
    .sort((a, b) => a - b)
}

function containerOf(root: string): SystemState['container'] {
  if (existsSync(join(root, 'run/secrets/kubernetes.io'))) return 'Kubernetes'
  if (existsSync(join(root, 'run/.containerenv'))) return 'Podman'
  return existsSync(join(root, '.dockerenv')) ? 'Docker' : null
}

const MANAGERS: readonly (readonly [RegExp, NonNullable<SystemState['packageManager']>])[] = [
  [/\b(debian|ubuntu)\b/, 'apt'],
  [/\b(fedora|rhel|centos)\b/, 'dnf'],
  [/suse\b/, 'zypper'],
  [/\barch\b/, 'pacman'],
  [/\balpine\b/, 'apk'],
]

// os-release(5)
function packageManager(root: string): SystemState['packageManager'] {
  const text = readText(root, 'etc/os-release') ?? ''
  const kinds = [...text.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].map(([, value]) => value).join(' ')
  return MANAGERS.find(([pattern]) => pattern.test(kinds))?.[1] ?? null
}

function readBlocks(root: string, node: number): NodeBlocks {
  const folder = join(root, 'sys/devices/system/node', `node${node}`)
  const blocks = { online: 0, offline: 0, movable: 0 }
  for (const id of numbered(folder, 'memory')) {
    const state = readText(folder, `memory${id}`, 'state')
    if (state === 'offline') blocks.offline++
    if (state !== 'online') continue
    blocks.online++
    if (readText(folder, `memory${id}`, 'valid_zones') === 'Movable') blocks.movable++
  }
  return blocks
}

function readModule(root: string): SystemState['module'] {
  const release = readText(root, 'proc/sys/kernel/osrelease') ?? ''
  const modules = readText(root, 'lib/modules', release, 'modules.dep') ?? ''
  return {
    loaded: existsSync(join(root, 'sys/module/emucxl')),
    installed: release !== '' && /(^|\/)emucxl\.ko(\.\w+)?:/m.test(modules),
  }
}

// sysfs-kernel-mm-memory-tiers; the file is `nodelist`, whatever newer documents call it.
function readTiers(root: string): SystemState['tiers'] {
  const folder = join(root, 'sys/devices/virtual/memory_tiering')
  return numbered(folder, 'memory_tier')
    .map((id) => ({ id, nodes: parseList(readText(folder, `memory_tier${id}`, 'nodelist') ?? '') }))
    .filter(({ nodes }) => nodes.length > 0)
}

function byNode(nodes: readonly number[], file: (node: number) => string[]): Map<number, number> {
  const values = nodes.map((node) => [node, readNumber(...file(node))] as const)
  return new Map(values.filter((entry): entry is [number, number] => entry[1] !== undefined))
}

// proc_swaps: Filename, Type, Size, Used, Priority, in KiB, under a line of heads.
function readSwap(root: string): SystemState['swap'] {
  const lines = (readText(root, 'proc/swaps') ?? '').split('\n').slice(1)
  const sum = (field: number) =>
    lines.reduce((bytes, line) => {
      const kib = Number(/^\S+\s+\S+\s+(\d+)\s+(\d+)/.exec(line)?.[field] ?? 0)
      return bytes + kib * 1024
    }, 0)
  return { total: sum(1), used: sum(2) }
}

function isThere(root: string, program: string): boolean {
  return ['usr/bin', 'usr/sbin', 'bin', 'sbin', 'usr/local/bin'].some((folder) =>
    existsSync(join(root, folder, program)),
  )
}

function readDemotion(root: string): boolean | null {
  const text = readText(root, 'sys/kernel/mm/numa/demotion_enabled')
  return text === 'true' || text === 'false' ? text === 'true' : null
}

/** Reads all of it. */
export function readSystem(nodes: readonly NumaNode[], root: string, isRoot: boolean): SystemState {
  const memory = join(root, 'sys/devices/system/memory')
  const node = join(root, 'sys/devices/system/node')
  const interleave = join(root, 'sys/kernel/mm/mempolicy/weighted_interleave')
  const filter = /^Seccomp:\s*(\d)/m.exec(readText(root, 'proc/self/status') ?? '')?.[1]
  const blockSize = Number.parseInt(readText(memory, 'block_size_bytes') ?? '', 16) // no 0x
  const ids = nodes.map(({ id }) => id)
  return {
    isRoot,
    programs: { daxctl: isThere(root, 'daxctl'), cxl: isThere(root, 'cxl') },
    packageManager: packageManager(root),
    container: containerOf(root),
    filtered: filter === undefined ? null : filter === '2',
    listsNodes: parseList(readText(node, 'online') ?? '').length > 0,
    blocks: new Map(
      nodes
        .filter(({ cpus, memoryTotal }) => cpus.length === 0 || memoryTotal === 0)
        .map(({ id }) => [id, readBlocks(root, id)]),
    ),
    blockSize: blockSize > 0 ? blockSize : null,
    module: readModule(root),
    autoOnline: readText(memory, 'auto_online_blocks') ?? null,
    numaBalancing: readNumber(root, 'proc/sys/kernel/numa_balancing') ?? null,
    demotion: readDemotion(root),
    tiers: readTiers(root),
    weights: byNode(numbered(interleave, 'node'), (id) => [interleave, `node${id}`]),
    hugePages: byNode(ids, (id) => [node, `node${id}/hugepages/hugepages-2048kB/nr_hugepages`]),
    swap: readSwap(root),
  }
}
