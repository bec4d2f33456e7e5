// What `emucxl info` reads of machines that are laid out in folders, and how it prints it.

import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describe as print } from '../../lib/cli/info-text.js'
import { type InfoReport, takeInventory } from '../../lib/cli/inventory.js'
import { PROBES } from '../../lib/cli/probes.js'
import { ADDON_NODE_API } from '../../lib/memory/addon.js'
import { emucxl } from './command.js'
import { dax, type Files, layOut, nodes, runsOn } from './layout.js'

const DEVICE = '/dev/emucxl'

const inventory = (...files: readonly Files[]) => takeInventory(DEVICE, layOut(...files))

const LAPTOP = nodes({ id: 0, cpus: '0-7', memory: 16, distances: '10' })
const TWO_SOCKETS = nodes(
  { id: 0, cpus: '0-3,8-11', memory: 64, distances: '10 21' },
  { id: 1, cpus: '4-7,12-15', memory: 64, distances: '21 10' },
)
const EXPANDER = nodes(
  { id: 0, cpus: '0-3', memory: 64, distances: '10 21 14' },
  { id: 1, cpus: '4-7', memory: 64, distances: '21 10 24' },
  { id: 2, cpus: '', memory: 128, distances: '14 24 10' },
)
const HOLES = nodes(
  { id: 0, cpus: '0-3', memory: 64, distances: '10 21 17' },
  { id: 2, cpus: '4-7', memory: 64, distances: '21 10 28' },
  { id: 5, cpus: '', memory: 32, distances: '17 28 10' },
)
const MEMORYLESS = nodes(
  { id: 0, cpus: '0-3', memory: 0, distances: '10 12 30' },
  { id: 1, cpus: '4-7', memory: 64, distances: '12 10 30' },
  { id: 2, cpus: '', memory: 0, distances: '30 30 10' },
)

const roles = ({ nodes: list }: InfoReport) =>
  Object.fromEntries(list.map(({ id, roles: of }) => [id, of.join('+')]))

describe('nodes and their roles', () => {
  it('gives one node both roles', async () => {
    const report = await inventory(LAPTOP, runsOn(3))
    expect(roles(report)).toEqual({ 0: 'local+remote' })
    expect(report.nodes[0]).toMatchObject({
      cpus: [0, 1, 2, 3, 4, 5, 6, 7],
      memoryTotal: 16 * 2 ** 30,
      memoryFree: 4 * 2 ** 30,
      distances: { 0: 10 },
    })
    const numa = report.backends.find(({ name }) => name === 'numa')
    expect(numa?.note ?? numa?.reason).toBeTruthy()
    expect(report.auto).toBe('emulated')
  })

  it('takes the socket of the calling thread as local', async () => {
    expect(roles(await inventory(TWO_SOCKETS, runsOn(1)))).toEqual({ 0: 'local', 1: 'remote' })
    expect(roles(await inventory(TWO_SOCKETS, runsOn(13)))).toEqual({ 0: 'remote', 1: 'local' })
  })

  it('prefers a node without CPUs as remote', async () => {
    const report = await inventory(EXPANDER, runsOn(5))
    expect(roles(report)).toEqual({ 0: '', 1: 'local', 2: 'remote' })
    expect(report.nodes[2]?.cpus).toEqual([])
  })

  it('keeps the distances with the right ids where ids have holes', async () => {
    const report = await inventory(HOLES, runsOn(0))
    expect(roles(report)).toEqual({ 0: 'local', 2: '', 5: 'remote' })
    expect(report.nodes[0]?.distances).toEqual({ 0: 10, 2: 21, 5: 17 })
  })

  it('never gives a role to a node without memory', async () => {
    const report = await inventory(MEMORYLESS, runsOn(0))
    expect(roles(report)).toEqual({ 0: '', 1: 'local+remote', 2: '' })
    expect(report.nodes[2]?.memoryTotal).toBe(0)
  })

  it('is one node of the whole machine where sysfs shows none', async () => {
    const report = await inventory({})
    expect(roles(report)).toEqual({ 0: 'local+remote' })
    expect(report.nodes[0]?.memoryTotal).toBeGreaterThan(0)
  })
})

describe('the machine', () => {
  const CPUINFO = 'processor : 0\nmodel name : Some CPU @ 2 GHz\nflags : fpu hypervisor sse\n'
  const cache = (index: number, level: number, size: string): Files => ({
    [`sys/devices/system/cpu/cpu0/cache/index${index}/level`]: `${level}\n`,
    [`sys/devices/system/cpu/cpu0/cache/index${index}/size`]: `${size}\n`,
  })

  it('tells CPU, kernel and last-level cache', async () => {
    const { machine } = await inventory(
      { 'proc/cpuinfo': CPUINFO.replace(' hypervisor', '') },
      { 'proc/sys/kernel/osrelease': '6.12.1-test\n', 'sys/devices/system/cpu/online': '0-5\n' },
      cache(0, 1, '48K'),
      cache(1, 3, '32768K'),
      cache(2, 2, '2M'),
    )
    expect(machine).toMatchObject({
      cpu: 'Some CPU @ 2 GHz',
      cpus: 6,
      kernel: '6.12.1-test',
      lastLevelCache: 32 * 2 ** 20,
      virtualMachine: null,
      node: process.version,
    })
  })

  const DMI = 'sys/class/dmi/id'
  const CLOCK = 'sys/devices/system/clocksource/clocksource0/available_clocksource'
  it.each<[string, Files, string | null]>([
    ['a flag alone', { 'proc/cpuinfo': CPUINFO }, 'unidentified hypervisor'],
    ['a clock', { 'proc/cpuinfo': CPUINFO, [CLOCK]: 'tsc kvm-clock\n' }, 'KVM'],
    [
      'firmware',
      {
        'proc/cpuinfo': CPUINFO,
        [`${DMI}/sys_vendor`]: 'QEMU\n',
        [`${DMI}/product_name`]: 'Q35\n',
      },
      'QEMU Q35',
    ],
    [
      'the translator, though the flag is hidden',
      { 'proc/cpuinfo': 'model name : QEMU TCG CPU version 2.5+\nflags : fpu\n' },
      'QEMU TCG',
    ],
    [
      'a rented physical server',
      { 'proc/cpuinfo': 'model name : X\nflags : fpu\n', [`${DMI}/sys_vendor`]: 'Amazon EC2\n' },
      null,
    ],
    ['ARM', { 'proc/cpuinfo': 'CPU part : 0xd0c\n', [`${DMI}/sys_vendor`]: 'QEMU\n' }, 'QEMU'],
  ])('is recognized as virtual by %s', async (_, files, expected) => {
    expect((await inventory(files)).machine.virtualMachine).toBe(expected)
  })
})

describe('devices', () => {
  it('finds no devices in an empty machine', async () => {
    const report = await inventory({})
    expect(report.device).toEqual({
      path: DEVICE,
      present: false,
      mode: null,
      owner: null,
      opens: false,
      reason: 'is not there',
    })
    expect(report.devdax).toEqual([])
    const device = report.backends.find(({ name }) => name === 'device')
    expect(device).toMatchObject({ available: false })
    expect(device?.reason).toContain('is not there')
  })

  it('names mode and owner of the device, and says when it is not one', async () => {
    const uid = process.getuid?.()
    const gid = process.getgid?.()
    const root = layOut({
      'dev/emucxl': '',
      'etc/passwd': `other:x:${Number(uid) + 1}:0::/:\nalice:x:${uid}:${gid}::/:\n`,
      'etc/group': `pool:x:${gid}:alice\n`,
    })
    chmodSync(join(root, 'dev/emucxl'), 0o660)
    const report = await takeInventory(DEVICE, root)
    expect(report.device).toMatchObject({
      present: true,
      mode: '0660',
      owner: 'alice:pool',
      opens: true,
    })
    expect(report.backends.find(({ name }) => name === 'device')?.reason).toContain(
      'is not a character device',
    )
  })

  it('looks at the device that is named', async () => {
    const root = layOut({ 'dev/other': '' })
    expect((await takeInventory('/dev/other', root)).device.present).toBe(true)
  })

  it('says that a device may not be opened', async () => {
    const probes = { ...PROBES, openFile: () => 'EACCES' }
    const { device } = await takeInventory(DEVICE, layOut({ 'dev/emucxl': '' }), probes)
    expect(device).toMatchObject({ present: true, opens: false })
    expect(device.reason).toContain('join the group')
  })

  it('tells devdax devices from those that are system memory', async () => {
    const report = await inventory(
      dax('dax0.0', 2 ** 37, 2, 'device_dax'),
      dax('dax1.0', 2 ** 36, 3, 'kmem'),
      { 'dev/dax0.0': '' },
    )
    expect(report.devdax).toMatchObject([
      { name: 'dax0.0', size: 2 ** 37, align: 2 ** 21, targetNode: 2, use: 'devdax', opens: true },
      { name: 'dax1.0', size: 2 ** 36, targetNode: 3, use: 'system-ram', opens: false },
    ])
    expect(report.devdax[1]?.reason).toContain('NUMA node 3')
  })

  it('finds devdax devices where older kernels show them', async () => {
    const report = await inventory({ 'sys/class/dax/dax2.0/size': '4096\n' })
    expect(report.devdax).toMatchObject([
      { name: 'dax2.0', size: 4096, align: null, targetNode: null, use: null, present: false },
    ])
  })
})

describe('limits', () => {
  it('reads modes, pools and limits', async () => {
    const { limits } = await inventory({
      'sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
      'sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages': '2\n',
      'sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages': '1\n',
      'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '512\n',
      'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': '500\n',
      'proc/sys/vm/max_map_count': '65530\n',
      'proc/self/limits':
        'Limit                     Soft Limit           Hard Limit           Units\n' +
        'Max locked memory         8388608              unlimited            bytes\n',
    })
    expect(limits).toMatchObject({
      transparentHugePages: 'madvise',
      hugePools: [
        { pageSize: 2 ** 21, total: 512, free: 500 },
        { pageSize: 2 ** 30, total: 2, free: 1 },
      ],
      maxMapCount: 65530,
      lockedMemory: { soft: 8388608, hard: 'unlimited' },
    })
    expect(limits.largestArrayBuffer).toBeGreaterThanOrEqual(2 ** 32)
  })

  it.each([
    ['nothing can be read', {}],
    [
      'what is read makes no sense',
      {
        'sys/kernel/mm/transparent_hugepage/enabled': 'perhaps\n',
        'proc/sys/vm/max_map_count': 'many\n',
        'proc/self/limits': 'none\n',
      },
    ],
  ] as [string, Files][])('is null where %s', async (_, files) => {
    expect((await inventory(files)).limits).toMatchObject({
      transparentHugePages: null,
      hugePools: [],
      maxMapCount: null,
      lockedMemory: { soft: null, hard: null },
    })
  })
})

describe('text', () => {
  const everyOther = (first: number) =>
    Array.from({ length: 64 }, (_, i) => first + 2 * i).join(',')

  it.each([60, 80, 100])('keeps within %d columns', async (width) => {
    const report = await inventory(
      nodes(
        { id: 0, cpus: everyOther(0), memory: 512, distances: '10 21 14' },
        { id: 1, cpus: everyOther(1), memory: 512, distances: '21 10 24' },
        { id: 2, cpus: '', memory: 128, distances: '14 24 10' },
      ),
      dax('dax1.0', 2 ** 36, 3, 'kmem'),
      runsOn(0),
    )
    // The file of the addon is where it is; a path is not broken.
    report.addon.file = 'emucxl.node'
    const lines = print(report, width).split('\n')
    expect(lines.filter((line) => line.length > width)).toEqual([])
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([])
  })

  it('lays out the nodes under each other', async () => {
    const text = print(await inventory(HOLES, runsOn(0)), 80)
    expect(text).toContain(
      [
        '  node  role    memory    free  to 0  to 2  to 5  CPUs',
        '     0  local   64 GiB  16 GiB    10    21    17  0-3',
        '     2  –       64 GiB  16 GiB    21    10    28  4-7',
        '     5  remote  32 GiB   8 GiB    17    28    10  none',
      ].join('\n'),
    )
  })
})

describe('the command', () => {
  it('prints JSON and nothing else to stdout', async () => {
    const { code, stdout, stderr } = await emucxl(['info', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout) as InfoReport
    expect(Object.keys(report)).toEqual([
      'version',
      'addon',
      'machine',
      'nodes',
      'libnuma',
      'device',
      'devdax',
      'backends',
      'auto',
      'limits',
    ])
    expect(report.addon).toMatchObject({ loaded: true, nodeApi: ADDON_NODE_API, reason: null })
    expect(report.backends.map(({ name }) => name)).toEqual(['device', 'numa', 'emulated'])
    expect(report.backends.at(-1)?.available).toBe(true)
    expect(report.backends.find(({ name }) => name === report.auto)?.available).toBe(true)
    for (const { available, reason } of report.backends) expect(reason === null).toBe(available)
  })

  it('reports the Node-API version that binding.gyp asks for', () => {
    const gyp = readFileSync(new URL('../../binding.gyp', import.meta.url), 'utf8')
    expect(/NAPI_VERSION=(\d+)/.exec(gyp)?.[1]).toBe(String(ADDON_NODE_API))
  })

  it('tells why the addon does not load, and still shows the rest', async () => {
    const env = { EMUCXL_ADDON: '/nonexistent' }
    const text = await emucxl(['info'], { env })
    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' })
    expect(text.stdout).toContain('/nonexistent: not there')
    expect(text.stdout).toContain('npm run install')
    expect(text.stdout).toMatch(/^ +0 +local/m)
    const json = JSON.parse((await emucxl(['info', '--json'], { env })).stdout) as InfoReport
    expect(json).toMatchObject({ auto: null, addon: { loaded: false, file: null } })
    expect(json.backends.map(({ available }) => available)).toEqual([false, false, false])
  })
})
