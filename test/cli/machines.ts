// Machines that the doctor is shown: each a small object, laid out as files below a folder, and what
// becomes of what is tried on it.

import { PROBES, type Probes } from '../../lib/cli/probes.js'
import { type BackendName, type BackendState, chooseBackend } from '../../lib/memory/backends.js'
import { isUsable } from '../../lib/memory/topology.js'
import { type Files, layOut, type NodeFiles, nodes } from './layout.js'

export interface Described {
  nodes?: NodeFiles[]
  /** What is not said elsewhere. */
  files?: Files
  /** Settings by their files below /proc/sys and /sys; each gets its end of line. */
  settings?: Record<string, string | number>
  distribution?: string
  /** Errors of NUMA calls. */
  calls?: Record<string, string>
  libnuma?: string
  /** Why the addon is not loaded. */
  addon?: string
  /** Why the backend device does not run, though its device opens. */
  device?: string
  /** Files that cannot be opened, with the error's code. */
  closed?: Record<string, string>
  root?: boolean
  largest?: number
  shared?: boolean
  refused?: string
}

/** What ordinary Linux 6.12 has. */
const USUAL: Record<string, string | number> = {
  'proc/sys/kernel/osrelease': '6.12.9-test',
  'proc/sys/kernel/numa_balancing': 0,
  'proc/sys/vm/max_map_count': 65530,
  'sys/devices/system/memory/auto_online_blocks': 'offline',
  'sys/devices/system/memory/block_size_bytes': '8000000',
  'sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never',
  'sys/kernel/mm/numa/demotion_enabled': 'false',
  'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': 0,
  'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': 0,
}

/** Settings as files. */
export function settings(values: Record<string, string | number>): Files {
  return Object.fromEntries(Object.entries(values).map(([file, value]) => [file, `${value}\n`]))
}

/** Memory blocks of a node; their zone shows only when they are online. */
export function blocks(node: number, first: number, count: number, state: string): Files {
  const folder = `sys/devices/system/node/node${node}/memory`
  const [word, zone = 'Normal Movable'] = state.split(' ')
  const ids = Array.from({ length: count }, (_, i) => first + i)
  return Object.assign(
    {},
    ...ids.map((id) => ({
      [`${folder}${id}/state`]: `${word}\n`,
      [`${folder}${id}/valid_zones`]: `${zone}\n`,
    })),
  )
}

/** A CXL memory device and its endpoint's port, with a decoder. */
export function cxlMemory(number: number, ram: number, pmem = 0, committed?: number): Files {
  const bus = 'sys/bus/cxl/devices'
  const port = number + 2
  return settings({
    [`${bus}/mem${number}/ram/size`]: `0x${ram.toString(16)}`,
    [`${bus}/mem${number}/pmem/size`]: `0x${pmem.toString(16)}`,
    [`${bus}/mem${number}/numa_node`]: 0,
    [`${bus}/decoder${port}.0/devtype`]: 'cxl_decoder_endpoint',
    [`${bus}/decoder0.0/devtype`]: 'cxl_decoder_root',
    [`${bus}/decoder0.0/cap_ram`]: 1,
    ...(committed === undefined
      ? {}
      : { [`${bus}/endpoint${port}/decoders_committed`]: committed }),
  })
}

/** The port of a CXL memory device leads back to it. */
export function cxlEndpoint(number: number): Files {
  return { [`sys/bus/cxl/devices/endpoint${number + 2}/uport`]: `-> ../../pci0/mem${number}` }
}

export function cxlRegion(
  number: number,
  {
    size,
    mode = 'ram',
    commit = 1,
    of = number,
    driver = true,
  }: {
    size: number
    mode?: string
    commit?: number
    /** The memory device. */
    of?: number
    driver?: boolean
  },
): Files {
  const folder = `sys/bus/cxl/devices/region${number}`
  const files = settings({
    [`${folder}/size`]: `0x${size.toString(16)}`,
    [`${folder}/mode`]: mode,
    [`${folder}/commit`]: commit,
    [`${folder}/target0`]: `decoder${of + 2}.0`,
  })
  if (driver) files[`${folder}/driver`] = '-> ../../bus/cxl/drivers/cxl_region'
  return files
}

const DEVICE = '/dev/emucxl'

function probesOf(machine: Described): Probes {
  const { calls = {}, libnuma, addon, device, closed = {} } = machine
  const refused = Object.keys(calls).find((call) => call !== 'set_mempolicy')
  const state = (name: BackendName, reason: string | undefined): BackendState =>
    reason === undefined ? { name, available: true } : { name, available: false, reason }
  const there = machine.files?.['dev/emucxl'] !== undefined && closed[DEVICE] === undefined
  const { largest = 2 ** 52, refused: unwanted = null, shared = true } = machine
  return {
    async native(list) {
      if (addon !== undefined) {
        return {
          addon: { loaded: false, file: null, nodeApi: null, reason: addon },
          libnuma: { available: false, reason: 'the native addon is not loaded' },
          backends: [],
          auto: null,
        }
      }
      const numa = state('numa', libnuma ?? refused)
      if (list.filter(isUsable).length < 2) numa.note = 'one node'
      const states = [
        state('device', there ? device : 'is not there'),
        numa,
        state('emulated', undefined),
      ]
      return {
        addon: { loaded: true, file: 'emucxl.node', nodeApi: 9, reason: null },
        libnuma: { available: libnuma === undefined, reason: libnuma ?? null },
        backends: states.map(({ reason = null, note = null, ...rest }) => ({
          ...rest,
          reason,
          note,
        })),
        auto: chooseBackend(states),
      }
    },
    openFile(path) {
      const name = Object.keys(closed).find((file) => path.endsWith(file))
      return name === undefined ? PROBES.openFile(path) : (closed[name] ?? null)
    },
    async numaCalls() {
      const works = { get_mempolicy: null, set_mempolicy: null, mbind: null, move_pages: null }
      return addon === undefined ? { ...works, ...calls } : null
    },
    async bufferLimits() {
      return addon === undefined ? { largest, refused: unwanted, shared } : null
    },
    isRoot: () => machine.root ?? false,
  }
}

/** Lays a machine out: the folder, and what is tried on it. */
export function build(machine: Described): { root: string; probes: Probes } {
  const { nodes: list, files = {}, distribution = 'debian' } = machine
  const root = layOut(
    settings({
      'etc/os-release': `NAME="Some"\nID=${distribution}`,
      ...USUAL,
      ...machine.settings,
    }),
    list === undefined ? {} : nodes(...list),
    files,
  )
  return { root, probes: probesOf(machine) }
}

/** As `emucxl vm run` shows it, with Linux 6.12 of Debian. */
export const APPLIANCE: Described = {
  nodes: [
    { id: 0, cpus: '0-1', memory: 4, distances: '10 20' },
    { id: 1, cpus: '', memory: 8, distances: '20 10' },
  ],
  distribution: 'none',
  root: true,
  settings: {
    'proc/sys/kernel/numa_balancing': 1,
    'sys/devices/system/memory/auto_online_blocks': 'online',
    'sys/devices/virtual/memory_tiering/memory_tier4/nodelist': '0-1',
    'sys/kernel/mm/mempolicy/weighted_interleave/node0': 1,
    'sys/kernel/mm/mempolicy/weighted_interleave/node1': 1,
    'sys/kernel/mm/transparent_hugepage/enabled': '[always] madvise never',
  },
  files: { 'dev/emucxl': '', ...blocks(1, 32, 64, 'online Normal') },
}
