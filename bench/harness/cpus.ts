// The CPUs that measurements are pinned to.

import { join } from 'node:path'
import { readFolder, readNumber, readText } from '../../lib/cli/machine.js'
import { parseList } from '../../lib/memory/topology.js'
import type { Context } from './experiment.js'

/** A NUMA node with CPUs of which this process may use some. */
export interface CpuNode {
  /** The kernel's number. */
  numaNode: number
  /** Those that the process may use; -1 stands for any, where the kernel does not tell them. */
  cpus: readonly number[]
}

/** The place of a CPU among the threads of its core, as far as they are allowed. */
function placeInCore(cpu: number, allowed: readonly number[], root: string): number {
  const folder = `sys/devices/system/cpu/cpu${cpu}/topology`
  const siblings = parseList(readText(root, folder, 'thread_siblings_list') ?? '')
  return siblings.filter((each) => allowed.includes(each)).indexOf(cpu)
}

/**
 * CPUs that this process may use, as taskset(1), a cpuset or a container allows; none: not told. One of each
 * core comes first: two threads of a core share what it can do.
 */
export function allowedCpus(root = '/'): number[] {
  const match = /^Cpus_allowed_list:\s+(\S+)/m.exec(readText(root, 'proc/self/status') ?? '')
  const allowed = parseList(match?.[1] ?? '')
  const places = new Map(allowed.map((cpu) => [cpu, placeInCore(cpu, allowed, root)]))
  return allowed.sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
}

/**
 * The NUMA nodes on which this process can run, nearest to the local memory first, and their CPUs in the
 * order of those allowed. One at least: where the topology has no CPU of this process, all its CPUs count
 * as those of the local node.
 */
export function cpuNodes({
  cxl,
  topology,
  allowed,
}: Pick<Context, 'cxl' | 'topology' | 'allowed'>): [CpuNode, ...CpuNode[]] {
  const local = cxl.nodes[0]?.numaNode ?? 0
  const distance = (id: number) =>
    id === local ? 0 : (topology.find((node) => node.id === id)?.distances[local] ?? 255)
  const [first, ...others] = topology
    .map(({ id, cpus }) => ({ numaNode: id, cpus: allowed.filter((cpu) => cpus.includes(cpu)) }))
    .filter(({ cpus }) => cpus.length > 0)
    .sort((a, b) => distance(a.numaNode) - distance(b.numaNode))
  if (first !== undefined) return [first, ...others]
  return [{ numaNode: local, cpus: allowed.length > 0 ? allowed : [-1] }]
}

/**
 * How many last-level caches CPUs have between them: a socket can have one for each few of its cores. One
 * where sysfs does not tell.
 */
export function countCaches(cpus: readonly number[], root = '/'): number {
  const sharers = cpus.map((cpu) => {
    const folder = join(root, `sys/devices/system/cpu/cpu${cpu}/cache`)
    const caches = readFolder(folder).map((name) => ({
      level: readNumber(folder, name, 'level') ?? 0,
      cpus: readText(folder, name, 'shared_cpu_list'),
    }))
    return caches.sort((a, b) => b.level - a.level)[0]?.cpus
  })
  return Math.max(1, new Set(sharers.filter((each) => each !== undefined)).size)
}

/** Numbers of threads: none where `least` is 0, then 1, 2, 4, …, and `most`. */
export function threadCounts(least: 0 | 1, most: number): number[] {
  const counts = least === 0 ? [0] : []
  for (let n = 1; n < most; n *= 2) counts.push(n)
  return most > 0 ? [...counts, most] : counts
}
