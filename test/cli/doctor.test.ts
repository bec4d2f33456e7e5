// What `emucxl doctor` finds on machines that are laid out in folders, what it says of broken ones, and
// the command itself on this one.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { examine } from '../../lib/cli/doctor/examine.js'
import { type DoctorReport, FINDING_IDS, type FindingId } from '../../lib/cli/doctor/findings.js'
import { describe as print } from '../../lib/cli/doctor/text.js'
import { packageRoot } from '../../lib/memory/host.js'
import { emucxl, MAIN } from './command.js'
import { dax, type Files, layOut, runsOn } from './layout.js'
import {
  APPLIANCE,
  blocks,
  build,
  cxlEndpoint,
  cxlMemory,
  cxlRegion,
  type Described,
  settings,
} from './machines.js'

const DEVICE = '/dev/emucxl'
const GIB = 2 ** 30

const seen = new Set<FindingId>()

/** What a program prints to stdout. */
async function printed(program: string, ...words: string[]): Promise<string> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const stdout = await child.stdout.setEncoding('utf8').toArray()
  await ended
  return stdout.join('')
}

async function diagnose(machine: Described): Promise<DoctorReport> {
  const { root, probes } = build(machine)
  const report = await examine(DEVICE, root, probes)
  for (const { id } of report.findings) seen.add(id)
  return report
}

/** The ids of what is good, and each other finding with its remedy. */
function told({ findings }: DoctorReport) {
  const good = findings.filter(({ level }) => level === 'good').map(({ id }) => id)
  const others = findings
    .filter(({ level }) => level !== 'good')
    .map(({ id, level, remedy }) => `${level} ${id}${remedy === undefined ? '' : `: ${remedy}`}`)
  return { good: good.join(' '), others }
}

const text = (report: DoctorReport, id: FindingId) =>
  report.findings
    .filter((finding) => finding.id === id)
    .map((finding) => finding.text)
    .join('\n')

const LAPTOP: Described = {
  nodes: [{ id: 0, cpus: '0-7', memory: 16, distances: '10' }],
  distribution: 'ubuntu\nID_LIKE=debian',
  files: {
    ...runsOn(3),
    'proc/swaps':
      'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap.img file\t4194304\t1024\t-2\n',
  },
}

const SOCKETS = [
  { id: 0, cpus: '0-3,8-11', memory: 64, distances: '10 21' },
  { id: 1, cpus: '4-7,12-15', memory: 64, distances: '21 10' },
]

const TWO_SOCKETS: Described = {
  nodes: SOCKETS,
  distribution: '"rocky"\nID_LIKE="rhel centos fedora"',
  settings: { 'proc/sys/kernel/numa_balancing': 1 },
  libnuma: 'libnuma.so.1 not found: apt install libnuma1, or dnf install numactl-libs',
}

const EXPANDER = [
  { id: 0, cpus: '0-3', memory: 64, distances: '10 21 14' },
  { id: 1, cpus: '4-7', memory: 64, distances: '21 10 24' },
  { id: 2, cpus: '', memory: 128, distances: '14 24 10' },
]

const SYSTEM_RAM: Described = {
  nodes: EXPANDER,
  settings: {
    'proc/sys/kernel/numa_balancing': 2,
    'sys/devices/system/memory/auto_online_blocks': 'online_movable',
    'sys/kernel/mm/numa/demotion_enabled': 'true',
    'sys/devices/virtual/memory_tiering/memory_tier4/nodelist': '0-1',
    'sys/devices/virtual/memory_tiering/memory_tier22/nodelist': '2',
    'sys/kernel/mm/mempolicy/weighted_interleave/auto': 'true',
    'sys/kernel/mm/mempolicy/weighted_interleave/node0': 5,
    'sys/kernel/mm/mempolicy/weighted_interleave/node1': 5,
    'sys/kernel/mm/mempolicy/weighted_interleave/node2': 1,
    'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': 1024,
    'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': 1000,
    'sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages': 512,
    'sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages': 512,
    'sys/devices/system/node/node2/hugepages/hugepages-2048kB/nr_hugepages': 0,
  },
  files: {
    ...cxlMemory(0, 128 * GIB, 0, 1),
    ...cxlEndpoint(0),
    ...cxlRegion(0, { size: 128 * GIB }),
    ...dax('dax0.0', 128 * GIB, 2, 'kmem'),
    ...blocks(2, 64, 16, 'online Movable'),
    'usr/bin/daxctl': '',
    'dev/emucxl': '',
  },
}

const DEVDAX: Described = {
  nodes: EXPANDER.slice(0, 2),
  settings: { 'sys/devices/system/memory/auto_online_blocks': 'online' },
  files: {
    ...cxlMemory(0, 128 * GIB, 0, 1),
    ...cxlEndpoint(0),
    ...cxlRegion(0, { size: 128 * GIB }),
    ...dax('dax0.0', 128 * GIB, 2, 'device_dax'),
    'dev/dax0.0': '',
  },
  closed: { '/dev/dax0.0': 'EACCES' },
}

const CONTAINER: Described = {
  nodes: SOCKETS,
  root: true,
  files: {
    '.dockerenv': '',
    'proc/self/status': 'Name:\tnode\nSeccomp:\t2\nMems_allowed_list:\t0-1\n',
    'sys/module/emucxl/version': '0.1.0\n',
  },
  calls: { get_mempolicy: 'EPERM', set_mempolicy: 'EPERM', mbind: 'EPERM', move_pages: 'EPERM' },
  libnuma:
    'this kernel has no NUMA support (numa_available() is -1), or get_mempolicy is forbidden',
}

const HOLES: Described = {
  nodes: [
    { id: 0, cpus: '0-3', memory: 64, distances: '10 21 17' },
    { id: 2, cpus: '4-7', memory: 64, distances: '21 10 28' },
    { id: 5, cpus: '', memory: 32, distances: '17 28 10' },
  ],
  files: { 'lib/modules/6.12.9-test/modules.dep': 'kernel/a.ko:\nupdates/emucxl.ko.xz:\n' },
}

const MEMORYLESS: Described = {
  nodes: [
    { id: 0, cpus: '0-3', memory: 0, distances: '10 12 30 30' },
    { id: 1, cpus: '4-7', memory: 64, distances: '12 10 30 30' },
    { id: 2, cpus: '', memory: 0, distances: '30 30 10 30' },
    { id: 3, cpus: '', memory: 0, distances: '30 30 30 10' },
    { id: 4, cpus: '', memory: 8, distances: '30 30 30 30 10' },
  ],
  files: {
    ...dax('dax0.0', 2 * GIB, 2, 'kmem'),
    ...blocks(2, 100, 16, 'offline'),
    ...blocks(4, 200, 60, 'online Normal'),
    ...blocks(4, 260, 4, 'offline'),
  },
}

const USUAL = 'max-map-count'

describe('a machine', () => {
  const shell = 'node dist/lib/cli/main.js vm shell'
  it.each<[string, Described, string, string[]]>([
    [
      'a laptop: everything runs, and what could be otherwise are notes',
      LAPTOP,
      `addon nodes libnuma numa-calls device cxl-memory auto-online numa-balancing demotion transparent-huge-pages huge-page-pool ${USUAL} array-buffer shared-memory`,
      [`note backend: ${shell}`, 'note swap: sudo swapoff -a'],
    ],
    [
      'two sockets, without libnuma, with balancing',
      TWO_SOCKETS,
      `addon nodes numa-calls device cxl-memory auto-online demotion transparent-huge-pages huge-page-pool ${USUAL} swap array-buffer shared-memory`,
      [
        'note backend',
        'problem libnuma: sudo dnf install numactl-libs',
        'note numa-balancing: sudo sysctl -w kernel.numa_balancing=0',
      ],
    ],
    [
      'CXL as system-ram',
      SYSTEM_RAM,
      `addon backend nodes libnuma numa-calls device cxl-memory cxl-region auto-online dax-mode dax-size memory-tiers weighted-interleave transparent-huge-pages ${USUAL} swap array-buffer shared-memory`,
      [
        'note node-zone: sudo daxctl offline-memory dax0.0 && sudo daxctl online-memory --no-movable dax0.0',
        'note numa-balancing: sudo sysctl -w kernel.numa_balancing=0',
        'note demotion: echo false | sudo tee /sys/kernel/mm/numa/demotion_enabled',
        'note huge-page-pool: echo 512 | sudo tee /sys/devices/system/node/node2/hugepages/hugepages-2048kB/nr_hugepages',
      ],
    ],
    [
      'CXL as devdax, whose file this user may not open',
      DEVDAX,
      `addon backend nodes libnuma numa-calls device cxl-memory cxl-region dax-size numa-balancing demotion transparent-huge-pages huge-page-pool ${USUAL} swap array-buffer shared-memory`,
      [
        'note auto-online: echo online_movable | sudo tee /sys/devices/system/memory/auto_online_blocks',
        'note dax-mode: sudo apt install daxctl && sudo daxctl reconfigure-device --mode=system-ram --force dax0.0',
        'note dax-permission: sudo chown "$USER" /dev/dax0.0',
      ],
    ],
    [
      'a container without NUMA calls',
      CONTAINER,
      `addon nodes cxl-memory auto-online numa-balancing demotion transparent-huge-pages huge-page-pool ${USUAL} swap array-buffer shared-memory`,
      [
        'note backend',
        'note container',
        'problem libnuma',
        'problem numa-calls: docker run --security-opt seccomp=unconfined …',
        'note device: docker run --device /dev/emucxl …',
      ],
    ],
    [
      'node ids with holes, and a module that is not loaded',
      HOLES,
      `addon backend nodes libnuma numa-calls cxl-memory auto-online numa-balancing demotion transparent-huge-pages huge-page-pool ${USUAL} swap array-buffer shared-memory`,
      ['note device: sudo modprobe emucxl'],
    ],
    [
      'nodes without memory, or with some that is offline',
      MEMORYLESS,
      `addon backend nodes libnuma numa-calls device cxl-memory auto-online dax-mode dax-size numa-balancing demotion transparent-huge-pages huge-page-pool ${USUAL} swap array-buffer shared-memory`,
      [
        'note node-memory',
        'problem node-memory: sudo apt install daxctl && sudo daxctl online-memory dax0.0',
        'note node-memory',
        'problem node-memory: echo online_movable | sudo tee /sys/devices/system/node/node4/memory*/state',
      ],
    ],
    [
      'the appliance',
      APPLIANCE,
      `addon backend nodes libnuma numa-calls device cxl-memory auto-online demotion memory-tiers weighted-interleave transparent-huge-pages huge-page-pool ${USUAL} swap array-buffer shared-memory`,
      ['note numa-balancing: sysctl -w kernel.numa_balancing=0'],
    ],
  ])('%s', async (_, machine, good, others) => {
    expect(told(await diagnose(machine))).toEqual({ good, others })
  })
})

describe('what it says', () => {
  it('names nodes and roles', async () => {
    expect(text(await diagnose(HOLES), 'nodes')).toBe(
      'nodes 0, 2 and 5 are online, with memory; from this CPU 0 is local, 5 remote',
    )
    expect(text(await diagnose(MEMORYLESS), 'nodes')).toContain('with memory in nodes 1 and 4')
  })

  it('counts memory that is offline', async () => {
    expect(text(await diagnose(MEMORYLESS), 'node-memory')).toBe(
      [
        'node 0 has CPUs and no memory: they use that of other nodes',
        'node 2: its memory is plugged in, and offline: 16 blocks, 2 GiB',
        'node 3 has no memory: nothing is plugged in there yet',
        'node 4: 4 of its 64 memory blocks are plugged in, and offline, 512 MiB',
      ].join('\n'),
    )
  })

  it('lists tiers, weights, regions and devices', async () => {
    const report = await diagnose(SYSTEM_RAM)
    expect(text(report, 'memory-tiers')).toContain('nodes 0 and 1 (tier 4), node 2 (tier 22)')
    expect(text(report, 'weighted-interleave')).toContain('5 on node 0, 5 on node 1, 1 on node 2')
    expect(text(report, 'cxl-memory')).toBe('mem0: 128 GiB volatile, near node 0, in region0')
    expect(text(report, 'cxl-region')).toBe('region0: 128 GiB of ram, in use')
    expect(text(report, 'dax-mode')).toBe('dax0.0: 128 GiB, system memory as node 2')
  })
})

/** The findings of one check, without those of a usual machine. */
async function of(id: FindingId, machine: Described): Promise<string[]> {
  const report = await diagnose(machine)
  const own = { ...report, findings: report.findings.filter((finding) => finding.id === id) }
  const { good, others } = told(own)
  return good === '' ? others : [good, ...others]
}

describe('system calls', () => {
  const filtered = (container: Files): Files => ({
    ...container,
    'proc/self/status': 'Seccomp:\t2\n',
  })
  const podman = filtered({ 'run/.containerenv': '' })
  const blocked = (calls: Record<string, string>, files: Files): Described => ({
    nodes: SOCKETS,
    calls,
    files,
  })

  it.each<[string, Described, string]>([
    [
      'a capability is enough for mbind',
      blocked({ mbind: 'EPERM' }, podman),
      'problem numa-calls: podman run --cap-add SYS_NICE …',
    ],
    [
      'and not for move_pages',
      blocked({ mbind: 'EPERM', move_pages: 'EPERM' }, podman),
      'problem numa-calls: podman run --security-opt seccomp=unconfined …',
    ],
    [
      'Kubernetes has no such command',
      blocked({ mbind: 'EPERM' }, filtered({ 'run/secrets/kubernetes.io/token': '' })),
      'problem numa-calls',
    ],
    ['nor has systemd', blocked({ mbind: 'EPERM' }, filtered({})), 'problem numa-calls'],
    [
      'emucxl does without set_mempolicy',
      blocked({ set_mempolicy: 'EPERM' }, podman),
      'note numa-calls: podman run --cap-add SYS_NICE …',
    ],
    [
      'on one node nothing is lost',
      { ...blocked({ move_pages: 'EPERM' }, podman), nodes: LAPTOP.nodes ?? [] },
      'note numa-calls: podman run --security-opt seccomp=unconfined …',
    ],
    [
      'a kernel without NUMA is no problem',
      {
        calls: { get_mempolicy: 'ENOSYS', mbind: 'ENOSYS' },
        files: { 'proc/self/status': 'Seccomp:\t0\n' },
      },
      'note numa-calls',
    ],
  ])('%s', async (_, machine, expected) => {
    expect(await of('numa-calls', machine)).toEqual([expected])
  })

  it.each([
    ['debian', 'sudo apt install libnuma1'],
    ['opensuse-leap\nID_LIKE="suse opensuse"', 'sudo zypper install libnuma1'],
    ['arch', 'sudo pacman -S numactl'],
    ['alpine', 'sudo apk add numactl'],
  ])('libnuma is installed on %j', async (distribution, remedy) => {
    const machine = { ...TWO_SOCKETS, distribution }
    expect(await of('libnuma', machine)).toEqual([`problem libnuma: ${remedy}`])
  })

  it('libnuma is missed by nobody with one node', async () => {
    const machine = { ...LAPTOP, libnuma: 'libnuma.so.1 not found: apt install …' }
    expect(await of('libnuma', machine)).toEqual(['note libnuma: sudo apt install libnuma1'])
  })

  it('a cpuset is a problem where it leaves one node', async () => {
    const status = (allowed: string): Files => ({
      '.dockerenv': '',
      'proc/self/status': `Mems_allowed_list:\t${allowed}\n`,
    })
    expect(await of('node-allowed', { nodes: EXPANDER, files: status('0-1') })).toEqual([
      'note node-allowed: docker run --cpuset-mems 0,1,2 …',
    ])
    expect(await of('node-allowed', { nodes: EXPANDER, files: status('1') })).toEqual([
      'problem node-allowed: docker run --cpuset-mems 0,1,2 …',
    ])
  })
})

describe('the kernel module', () => {
  const owned: Files = { 'dev/emucxl': '', 'etc/group': `pool:x:${process.getgid?.()}:\n` }
  const locked: Described = { nodes: SOCKETS, closed: { '/dev/emucxl': 'EACCES' }, files: owned }

  it.each<[string, Described, string]>([
    ['a user who is not of its group', locked, 'problem device: sudo usermod -aG pool "$USER"'],
    [
      'a device without a group',
      { ...locked, files: { ...owned, 'etc/group': `root:x:${process.getgid?.()}:\n` } },
      `problem device: sudo make -C '${packageRoot}/kmod' rules && sudo udevadm trigger --name-match=emucxl`,
    ],
    [
      'a container that it is not given to',
      { ...locked, files: { ...owned, 'run/.containerenv': '' } },
      'problem device: podman run --device /dev/emucxl …',
    ],
    ['a device in use', { ...locked, closed: { '/dev/emucxl': 'EBUSY' } }, 'problem device'],
    [
      'a module of another version',
      { nodes: SOCKETS, files: owned, device: 'is the emucxl kernel module 2.0' },
      'problem device',
    ],
  ])('%s', async (_, machine, expected) => {
    expect(await of('device', machine)).toEqual([expected])
  })
})

describe('CXL and dax devices that are not set up', () => {
  const tools: Files = { 'usr/bin/cxl': '', 'usr/bin/daxctl': '' }
  const alone = (files: Files): Described => ({ nodes: SOCKETS, files: { ...tools, ...files } })
  const pci = 'sys/bus/pci/devices/0000:35:00.0'

  it.each<[string, FindingId, Files, string[]]>([
    [
      'no driver',
      'cxl-driver',
      settings({ [`${pci}/class`]: '0x050210' }),
      ['problem cxl-driver: sudo modprobe -a cxl_acpi cxl_port cxl_mem cxl_pci'],
    ],
    ['another class of PCI device', 'cxl-driver', settings({ [`${pci}/class`]: '0x020000' }), []],
    [
      'memory in no region',
      'cxl-memory',
      { ...cxlMemory(0, 64 * GIB, 0, 0), ...cxlEndpoint(0) },
      ['problem cxl-memory: sudo cxl create-region -t ram -d decoder0.0 -m mem0'],
    ],
    [
      'memory in no region, by the decoder of an older kernel',
      'cxl-memory',
      { ...cxlMemory(0, 64 * GIB), ...cxlEndpoint(0) },
      ['problem cxl-memory: sudo cxl create-region -t ram -d decoder0.0 -m mem0'],
    ],
    [
      'memory that the firmware has set up',
      'cxl-memory',
      { ...cxlMemory(0, 64 * GIB, 0, 1), ...cxlEndpoint(0) },
      ['cxl-memory'],
    ],
    [
      'the same, by the decoder of an older kernel',
      'cxl-memory',
      {
        ...cxlMemory(0, 64 * GIB),
        ...cxlEndpoint(0),
        ...settings({ 'sys/bus/cxl/devices/decoder2.0/size': '0x1000000000' }),
      },
      ['cxl-memory'],
    ],
    ['memory of which sysfs says little', 'cxl-memory', cxlMemory(0, GIB), ['note cxl-memory']],
    [
      'persistent memory in no region',
      'cxl-memory',
      { ...cxlMemory(0, 0, GIB, 0), ...cxlEndpoint(0) },
      ['note cxl-memory'],
    ],
    [
      'a region that is not committed',
      'cxl-region',
      cxlRegion(1, { size: GIB, commit: 0 }),
      ['problem cxl-region: sudo cxl enable-region region1'],
    ],
    [
      'a region without a driver',
      'cxl-region',
      cxlRegion(1, { size: GIB, driver: false }),
      ['problem cxl-region: sudo cxl enable-region region1'],
    ],
    [
      'a region of persistent memory',
      'cxl-region',
      cxlRegion(1, { size: GIB, mode: 'pmem' }),
      ['note cxl-region: sudo ndctl create-namespace --mode=devdax'],
    ],
    [
      'a dax device without a driver',
      'dax-mode',
      dax('dax1.0', GIB, 2, ''),
      ['problem dax-mode: sudo daxctl reconfigure-device --mode=system-ram dax1.0'],
    ],
    ['a seed', 'dax-mode', dax('dax1.0', 0, 2, ''), []],
    ['no target node', 'dax-node', dax('dax1.0', GIB, -1, 'device_dax'), ['note dax-node']],
    ['a target node with CPUs', 'dax-node', dax('dax1.0', GIB, 1, 'kmem'), ['note dax-node']],
    [
      'small pages',
      'dax-size',
      dax('dax1.0', GIB, 2, 'device_dax', 4096),
      [
        'note dax-size: sudo daxctl disable-device dax1.0 && sudo daxctl reconfigure-device --align=2M dax1.0 && sudo daxctl enable-device dax1.0',
      ],
    ],
    [
      'a size that fills no memory block',
      'dax-size',
      dax('dax1.0', GIB + 2 ** 21, 2, 'kmem'),
      ['note dax-size'],
    ],
    [
      'a file that is not shown',
      'dax-permission',
      { ...dax('dax1.0', GIB, 2, 'device_dax'), '.dockerenv': '' },
      ['note dax-permission: docker run --device /dev/dax1.0 …'],
    ],
    [
      'a file that can be opened',
      'dax-permission',
      { ...dax('dax1.0', GIB, 2, 'device_dax'), 'dev/dax1.0': '' },
      ['dax-permission'],
    ],
  ])('%s', async (_, id, files, expected) => {
    expect(await of(id, alone(files))).toEqual(expected)
  })

  it.each<[string, string[]]>([
    ['offline', ['auto-online']],
    ['online_movable', ['auto-online']],
    [
      'online_kernel',
      [
        'note auto-online: echo online_movable | sudo tee /sys/devices/system/memory/auto_online_blocks',
      ],
    ],
    ['by moonlight', ['note auto-online']],
  ])('a policy of %s', async (policy, expected) => {
    const machine = {
      ...alone(dax('dax0.0', GIB, 2, 'device_dax')),
      settings: { 'sys/devices/system/memory/auto_online_blocks': policy },
    }
    expect(await of('auto-online', machine)).toEqual(expected)
  })
})

describe('pages and Node.js', () => {
  it.each<[string, FindingId, Described, string[]]>([
    [
      'huge pages never',
      'transparent-huge-pages',
      { settings: { 'sys/kernel/mm/transparent_hugepage/enabled': 'always madvise [never]' } },
      [
        'note transparent-huge-pages: echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled',
      ],
    ],
    [
      'few mappings',
      'max-map-count',
      { settings: { 'proc/sys/vm/max_map_count': 1024 }, root: true },
      ['problem max-map-count: sysctl -w vm.max_map_count=65530'],
    ],
    [
      'Node.js 20',
      'array-buffer',
      { largest: 2 ** 32 },
      [`note array-buffer: npx -y -p node-linux-${process.arch}@24 node my-program.mjs`],
    ],
    ['Node.js 20, shared', 'shared-memory', { shared: false }, ['note shared-memory']],
    ['a sandbox of V8', 'array-buffer', { refused: 'not allowed' }, ['problem array-buffer']],
  ])('%s', async (_, id, machine, expected) => {
    expect(await of(id, machine)).toEqual(expected)
  })
})

describe('hostile machines', () => {
  it('an empty one is examined', async () => {
    const { probes } = build({})
    const report = await examine(DEVICE, layOut({}), probes)
    expect(told(report)).toEqual({
      good: 'addon libnuma numa-calls device cxl-memory swap array-buffer shared-memory',
      others: ['note backend', 'note nodes', 'note transparent-huge-pages'],
    })
  })

  it('garbage is nothing that was read', async () => {
    const noise = '\0\xff � garbage ] [ -5-3 0-999999999999 \n\n'
    const paths = [
      'proc/swaps',
      'proc/self/status',
      'proc/self/stat',
      'proc/self/limits',
      'proc/cpuinfo',
      'etc/os-release',
      'etc/group',
      'sys/devices/system/node/online',
      'sys/devices/virtual/memory_tiering/memory_tier4/nodelist',
      'sys/devices/virtual/memory_tiering/memory_tierX/nodelist',
      'sys/kernel/mm/mempolicy/weighted_interleave/node0',
      'sys/kernel/mm/mempolicy/weighted_interleave/nodes',
      'sys/kernel/mm/numa/demotion_enabled',
      'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages',
      'sys/kernel/mm/transparent_hugepage/enabled',
      'sys/bus/dax/devices/dax0.0/size',
      'sys/bus/dax/devices/dax0.0/align',
      'sys/bus/dax/devices/dax0.0/target_node',
      'sys/bus/dax/devices/dax0.0/driver',
      'sys/bus/cxl/devices/mem0/ram/size',
      'sys/bus/cxl/devices/endpoint2/uport',
      'sys/bus/cxl/devices/region0/target0',
      'sys/bus/pci/devices/x/class',
      'proc/sys/vm/max_map_count',
      'proc/sys/kernel/numa_balancing',
      'proc/sys/kernel/osrelease',
      'sys/devices/system/memory/block_size_bytes',
    ]
    const files = Object.fromEntries(paths.map((path) => [path, noise]))
    const report = await examine(DEVICE, layOut(files), build({}).probes)
    expect(JSON.stringify(report)).not.toMatch(/NaN|undefined|garbage/)
    expect(told(report).others).toEqual([
      'note backend',
      'note nodes',
      'note cxl-memory',
      expect.stringContaining('problem cxl-region'),
      'note auto-online',
      expect.stringContaining('problem dax-mode'),
      'note dax-node',
      'note transparent-huge-pages',
    ])
  })

  it('folders in the place of files, and files that may not be read, are missing', async () => {
    const { root, probes } = build({ nodes: SOCKETS })
    const swaps = join(root, 'proc/swaps')
    mkdirSync(swaps)
    chmodSync(join(root, 'proc/sys/vm/max_map_count'), 0)
    chmodSync(join(root, 'sys/devices/system/node/node1'), 0)
    const report = await examine(DEVICE, root, probes)
    chmodSync(join(root, 'sys/devices/system/node/node1'), 0o700)
    expect(text(report, 'swap')).toBe('no swap: blocks stay in memory')
    expect(text(report, 'nodes')).toContain('nodes 0 and 1 are online')
  })

  it('without the addon the rest is told', async () => {
    const addon = `Looked for:\n  a: not there\nTo build it, run:\n  npm run install --prefix '${packageRoot}'`
    const report = await diagnose({ ...LAPTOP, addon })
    expect(told(report).others[0]).toBe(`problem addon: npm run install --prefix '${packageRoot}'`)
    expect(text(report, 'addon')).toBe('Looked for:\n  a: not there\nTo build it, run:')
    expect(text(report, 'numa-calls')).toBe('')
  })
})

describe('text', () => {
  it.each([60, 100])('keeps within %d columns, but for commands', async (width) => {
    for (const machine of [LAPTOP, TWO_SOCKETS, SYSTEM_RAM, DEVDAX, CONTAINER, MEMORYLESS]) {
      const report = await diagnose(machine)
      const remedies = report.findings.map(({ remedy }) => remedy)
      const lines = print(report, width).split('\n')
      const commands = lines.filter((line) => remedies.includes(line.trim()))
      expect(commands).toHaveLength(remedies.filter((remedy) => remedy !== undefined).length)
      const others = lines.filter((line) => !commands.includes(line))
      expect(others.filter((line) => line.length > width)).toEqual([])
      expect(lines.filter((line) => line !== line.trimEnd())).toEqual([])
    }
  })

  it('ends with what was counted', async () => {
    expect(print(await diagnose(TWO_SOCKETS), 80)).toMatch(/\n1 problem, 2 notes, 13 ok\n$/)
    expect(print(await diagnose(APPLIANCE), 80)).toMatch(/\n0 problems, 1 note, 17 ok\n$/)
  })
})

describe('the command', () => {
  it('prints JSON and nothing else to stdout', async () => {
    const { code, stdout, stderr } = await emucxl(['doctor', '--json'])
    const report = JSON.parse(stdout) as DoctorReport
    expect({ code, stderr }).toEqual({ code: report.summary.problems > 0 ? 1 : 0, stderr: '' })
    expect(Object.keys(report)).toEqual(['version', 'summary', 'findings'])
    const { good, notes, problems } = report.summary
    expect(good + notes + problems).toBe(report.findings.length)
    expect(report.findings[0]).toMatchObject({ id: 'addon', section: 'emucxl', level: 'good' })
    for (const { id } of report.findings) expect(FINDING_IDS).toContain(id)
  })

  it.each(['60', '100'])('prints text for a terminal of %s columns', async (columns) => {
    const line = `stty cols ${columns}; exec '${process.execPath}' '${MAIN}' doctor`
    const stdout = await printed('script', '-qec', line, '/dev/null')
    expect(stdout).toMatch(/^emucxl\r\n {2}ok {7}the native addon/)
    expect(stdout).toMatch(/\d+ problems?, \d+ notes?, \d+ ok\r\n$/)
    expect(stdout).not.toContain('\x1b')
    const words = stdout.split('\r\n').filter((text) => !/^ {13}/.test(text) && !text.includes('/'))
    expect(words.filter((text) => text.length > Number(columns))).toEqual([])
  })

  it('ends with 1 where the addon does not load', async () => {
    const { code, stdout, stderr } = await emucxl(['doctor'], {
      env: { EMUCXL_ADDON: '/nonexistent' },
    })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('  PROBLEM  ')
    expect(stdout).toContain(`\n             npm run install --prefix '${packageRoot}'\n`)
  })

  it('tells which calls a real filter of the kernel forbids', async () => {
    const forbid = fileURLToPath(new URL('../memory/children/forbid.py', import.meta.url))
    const words = ['mbind,move_pages', process.execPath, MAIN, 'doctor', '--json']
    expect(
      text(JSON.parse(await printed('python3', forbid, ...words)) as DoctorReport, 'numa-calls'),
    ).toContain('forbidden by a seccomp filter: mbind (EPERM), move_pages (EPERM);')
  })

  it('says how it is used', async () => {
    const help = await emucxl(['doctor', '--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('Exit codes: 0 no problem, 1 at least one, 2 wrong usage.')
    for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect((await emucxl(['--help'])).stdout).toMatch(/^ {2}doctor /m)
  })

  it.each([
    [['--wings'], "unknown option '--wings'"],
    [['me'], "unknown word 'me'"],
    [['--device='], '--device must be a path'],
  ])('ends with 2 for %j', async (args, says) => {
    const { code, stdout, stderr } = await emucxl(['doctor', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(says)
    expect(stderr).toContain("Try 'emucxl doctor --help'")
  })
})

it('every finding that there can be is one of a machine above', () => {
  expect(FINDING_IDS.filter((id) => !seen.has(id))).toEqual([])
})
