// What sysfs says about the machine's NUMA nodes. Ids can have holes; a node can have no CPUs (a CXL
// expander), or no memory (yet).

import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { join } from 'node:path'

/** A NUMA node, as the kernel knows it. */
export interface NumaNode {
  /** The kernel's number. */
  id: number
  /** CPU numbers; none for a memory expander. */
  cpus: number[]
  /** Memory in bytes; 0 where it has none. */
  memoryTotal: number
  memoryFree: number
  /** Whether this process may have memory there: a cpuset, as of a container, can forbid it. */
  allowed: boolean
  /** Distance to each node, by its id; 10 is the node itself (ACPI SLIT). */
  distances: Record<string, number>
}

const KIB = 1024
/** No kernel has ranges of so many CPUs or nodes: what has is no list of one. */
const LONGEST = 2 ** 16

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Parses the kernel's list format: `0-2,5` is 0, 1, 2, 5. */
export function parseList(text: string): number[] {
  const numbers: number[] = []
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim())
    if (match === null) continue
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])]
    if (last - first > LONGEST) continue
    for (let n = first; n <= last; n++) numbers.push(n)
  }
  return numbers
}

function memory(text: string, field: string): number {
  const match = new RegExp(`${field}:\\s+(\\d+) kB`).exec(text)
  return match === null ? 0 : Number(match[1]) * KIB
}

// cpuset(7). Undefined where the kernel does not tell: all nodes are allowed then.
function allowedNodes(root: string): number[] | undefined {
  const status = read(join(root, 'proc/self/status')) ?? ''
  const list = /^Mems_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  return list === undefined ? undefined : parseList(list)
}

/**
 * The nodes that are online, by id, from `sys` and `proc` below `root`. Where sysfs shows none, the
 * whole machine is node 0.
 */
export function readTopology(root = '/'): NumaNode[] {
  const folder = join(root, 'sys/devices/system/node')
  const online = parseList(read(join(folder, 'online')) ?? '')
  if (online.length === 0) {
    return [
      {
        id: 0,
        cpus: Array.from({ length: cpus().length || availableParallelism() }, (_, cpu) => cpu),
        memoryTotal: totalmem(),
        memoryFree: freemem(),
        allowed: true,
        distances: { 0: 10 },
      },
    ]
  }
  const allowed = allowedNodes(root)
  const nodes = online.map((id) => {
    const node = join(folder, `node${id}`)
    const info = read(join(node, 'meminfo')) ?? ''
    // One column for each node that is online, in the order of the ids.
    const distances = (read(join(node, 'distance')) ?? '').match(/\d+/g)?.map(Number) ?? []
    return {
      id,
      cpus: parseList(read(join(node, 'cpulist')) ?? ''),
      memoryTotal: memory(info, 'MemTotal'),
      memoryFree: memory(info, 'MemFree'),
      allowed: allowed?.includes(id) ?? true,
      distances: Object.fromEntries(
        online.map((other, column) => [other, distances[column] ?? (other === id ? 10 : 20)]),
      ),
    }
  })
  // Memory that was plugged in later is missing in the node's meminfo of some virtual machines.
  const only = nodes.length === 1 && root === '/' ? nodes[0] : undefined
  if (only !== undefined && only.memoryTotal < totalmem()) {
    only.memoryTotal = totalmem()
    only.memoryFree = freemem()
  }
  return nodes
}

/** Which NUMA nodes stand for the local node and the remote ones. */
export interface Roles {
  local: number
  remote: number[]
}

/** Whether memory can be had from a node. */
export function isUsable(node: NumaNode): boolean {
  return node.memoryTotal > 0 && node.allowed
}

/**
 * Local is the node of the calling CPU, or the nearest usable one; remote is the usable node without
 * CPUs that is nearest to it, else the usable node that is farthest. On a machine with one usable
 * node, both are the same.
 */
export function chooseRoles(nodes: readonly NumaNode[], cpu: number): Roles {
  const usable = nodes.filter(isUsable)
  const home = nodes.find((node) => node.cpus.includes(cpu)) ?? usable[0] ?? nodes[0]
  if (home === undefined) return { local: 0, remote: [0] }
  const nearest = (from: NumaNode, among: readonly NumaNode[]) =>
    [...among].sort((a, b) => (from.distances[a.id] ?? 255) - (from.distances[b.id] ?? 255))
  const local = isUsable(home) ? home : (nearest(home, usable)[0] ?? home)
  const others = nearest(
    local,
    usable.filter((node) => node !== local),
  )
  const remote = others.find((node) => node.cpus.length === 0) ?? others.at(-1) ?? local
  return { local: local.id, remote: [remote.id] }
}
