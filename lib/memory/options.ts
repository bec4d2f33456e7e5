// Options of a context and of a block: checked, and completed with their defaults.

import { totalmem } from 'node:os'
import { addon, Flag } from './addon.js'
import {
  checkBoolean,
  checkBytes,
  checkChoice,
  checkOptions,
  outOfRange,
  wrongType,
} from './arguments.js'
import {
  announceFallback,
  BACKENDS,
  type BackendName,
  chooseBackend,
  DEVICE_PATH,
  inspectBackends,
} from './backends.js'
import { EmucxlError } from './errors.js'
import { type LatencyModel, type LatencyPreset, toLatencyModel } from './latency-model.js'
import { chooseRoles, type NumaNode, readTopology } from './topology.js'

/** `require`: 2 MiB pages of the kernel's pool, or an error. `prefer`: transparent huge pages where
 * the kernel has some, silently 4 KiB elsewhere. `off`: 4 KiB. */
export type HugePages = 'require' | 'prefer' | 'off'

/** Which pages a block gets. Given to {@link Emucxl.open} they hold where `alloc` says nothing. */
export interface PageOptions {
  /** Size of the pages. Default `off`. */
  hugePages?: HugePages
  /** Keep the pages in memory, as mlock(2) does. Default false. */
  lock?: boolean
  /** Give every page its memory now, not at the first access to it. Default false. */
  prefault?: boolean
}

/** Options of {@link Emucxl.alloc}. */
export interface AllocOptions extends PageOptions {
  /** Memory that worker threads can map too: see {@link Emucxl.alloc}. Default false. */
  shared?: boolean
}

/** Options of {@link Emucxl.open}. */
export interface OpenOptions extends PageOptions {
  /**
   * What maps the pages. `auto` takes the kernel module's device, else the kernel's NUMA nodes where
   * two have memory, else ordinary memory; one asked for by name is taken or the call fails.
   * Default `auto`.
   */
  backend?: 'auto' | BackendName
  /** The NUMA node that is local, by the kernel's number. Default: that of the calling CPU. */
  local?: number
  /**
   * The NUMA node that is remote, or several of them, which become the nodes 1, 2, …. Default: the
   * CPU-less node that is nearest, else the farthest node with memory.
   */
  remote?: number | readonly number[]
  /**
   * Bytes that may be allocated on each node, counted in whole pages. Default: all the memory that
   * the NUMA node has. {@link Emucxl.setCapacity} changes it.
   */
  capacity?: { local?: number; remote?: number | readonly number[] }
  /**
   * Makes calls on the emulated backend as slow as given; what is measured then is modelled. Loads
   * and stores through an ArrayBuffer are as fast as ever. Default: none.
   */
  latencyModel?: LatencyPreset | LatencyModel
  /** The device of the kernel module. Default `/dev/emucxl`. */
  devicePath?: string
  /**
   * Keep blocks of up to 32 MiB out of V8's count of external memory, whose growth makes it collect
   * garbage though its own heap has not grown. Default true.
   */
  hideFromGc?: boolean
}

/** A node of a context. */
export interface Node {
  /** The number that functions of emucxl take: 0 is local, 1 and up are remote. */
  readonly node: number
  readonly role: 'local' | 'remote'
  /** The kernel's number of the NUMA node behind it. */
  readonly numaNode: number
}

/** Options of {@link Emucxl.open}, completed. */
export interface Plan {
  backend: BackendName
  devicePath: string
  nodes: Node[]
  /** Bytes by node; undefined where the user left it to the memory that is there. */
  capacities: (number | undefined)[]
  /** Memory of each node, in bytes. */
  present: number[]
  model: LatencyModel | undefined
  flags: number
  /** As the user asked for them. */
  hugePages: HugePages | undefined
  counted: boolean
}

/** Bits of {@link Flag} for the page options; `base` is what holds where one is left out. */
export function pageFlags(options: AllocOptions | undefined, base: number): number {
  if (options === undefined) return base
  checkOptions(options)
  let flags = base
  const set = (bit: number, on: boolean) => {
    flags = on ? flags | bit : flags & ~bit
  }
  const { hugePages, lock, prefault, shared } = options
  if (hugePages !== undefined) {
    checkChoice(hugePages, 'options.hugePages', ['require', 'prefer', 'off'])
    set(Flag.hugePrefer, hugePages === 'prefer')
    set(Flag.hugeRequire, hugePages === 'require')
  }
  if (lock !== undefined) set(Flag.lock, checkBoolean(lock, 'options.lock'))
  if (prefault !== undefined) set(Flag.prefault, checkBoolean(prefault, 'options.prefault'))
  if (shared !== undefined) set(Flag.shared, checkBoolean(shared, 'options.shared'))
  return flags
}

function checkNumaNode(value: unknown, name: string, nodes: readonly NumaNode[]): number {
  if (typeof value !== 'number') throw wrongType(name, 'the number of a NUMA node', value)
  const bad = (what: string, ids: readonly NumaNode[]) =>
    new EmucxlError(
      'ERR_EMUCXL_BAD_NODE',
      `${name}: NUMA node ${value} ${what} ${ids.map(({ id }) => id).join(', ') || 'none'}`,
    )
  const node = nodes.find(({ id }) => id === value)
  if (node === undefined) throw bad('is not online; this machine has', nodes)
  if (!node.allowed) {
    const allowed = nodes.filter((each) => each.allowed)
    throw bad('is not allowed for this process; its cpuset (cpuset.mems) allows', allowed)
  }
  return value
}

function chooseNodes(options: OpenOptions, topology: readonly NumaNode[]): Node[] {
  const roles = chooseRoles(topology, addon.currentCpu())
  const local =
    options.local === undefined
      ? roles.local
      : checkNumaNode(options.local, 'options.local', topology)
  const remote =
    options.remote === undefined
      ? roles.remote
      : [options.remote].flat().map((n) => checkNumaNode(n, 'options.remote', topology))
  if (remote.length === 0) throw outOfRange('options.remote', 'at least one NUMA node', remote)
  return [local, ...remote].map((numaNode, node) => ({
    node,
    role: node === 0 ? 'local' : 'remote',
    numaNode,
  }))
}

function chooseCapacities(options: OpenOptions, nodes: readonly Node[]): (number | undefined)[] {
  const { capacity } = options
  checkOptions(capacity, 'options.capacity')
  const remote: unknown = capacity?.remote
  const each = Array.isArray(remote) ? (remote as unknown[]) : undefined
  if (each !== undefined && each.length !== nodes.length - 1) {
    throw outOfRange(
      'options.capacity.remote',
      `a number, or an array with one for each remote node: ${nodes.length - 1}`,
      remote,
    )
  }
  return nodes.map(({ node }) => {
    const asked: unknown =
      node === 0 ? capacity?.local : each === undefined ? remote : each[node - 1]
    if (asked === undefined) return undefined
    checkBytes(asked, `options.capacity.${node === 0 ? 'local' : 'remote'}`, 0)
    return asked
  })
}

/** Checks the options of a context, and finds out what they leave open. */
export function plan(options: OpenOptions = {}): Plan {
  checkOptions(options)
  const { backend: wanted = 'auto', devicePath = DEVICE_PATH, hideFromGc = true } = options
  const asked = checkChoice(wanted, 'options.backend', ['auto', ...BACKENDS])
  if (typeof devicePath !== 'string') throw wrongType('options.devicePath', 'a path', devicePath)
  if (devicePath === '' || devicePath.includes('\0')) {
    throw outOfRange('options.devicePath', 'a path without null bytes', devicePath)
  }
  const topology = readTopology()
  const nodes = chooseNodes(options, topology)
  const capacities = chooseCapacities(options, nodes)
  const present = nodes.map(
    ({ numaNode }) => topology.find(({ id }) => id === numaNode)?.memoryTotal || totalmem(),
  )
  const model =
    options.latencyModel === undefined ? undefined : toLatencyModel(options.latencyModel)
  const flags = pageFlags(options, 0)
  const counted = !checkBoolean(hideFromGc, 'options.hideFromGc')
  let backend: BackendName
  if (asked === 'auto') {
    const states = inspectBackends(topology, devicePath)
    backend = chooseBackend(states)
    if (backend === 'emulated') announceFallback(states)
  } else {
    backend = asked
  }
  if (model !== undefined && backend !== 'emulated') {
    throw new EmucxlError(
      'ERR_EMUCXL_UNSUPPORTED',
      `options.latencyModel: backend '${backend}' has memory of its own latency; the model is for 'emulated'`,
    )
  }
  const { hugePages } = options
  return { backend, devicePath, nodes, capacities, present, model, flags, hugePages, counted }
}
