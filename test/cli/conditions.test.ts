// The lines that say what figures are worth, and how much memory a measurement may take.

import { describe, expect, it } from 'vitest'
import { memoryOfEach } from '../../lib/cli/available-memory.js'
import { standingConditions } from '../../lib/cli/conditions.js'
import { readMachine } from '../../lib/cli/machine.js'
import type { Node } from '../../lib/memory/options.js'
import { layOut, nodes as nodeFiles } from './layout.js'

const nodes = (local: number, remote: number): Node[] => [
  { node: 0, role: 'local', numaNode: local },
  { node: 1, role: 'remote', numaNode: remote },
]

const machine = (virtualMachine: string | null) => ({ ...readMachine(), virtualMachine })

describe('conditions', () => {
  it('are none on two real nodes of a physical machine', () => {
    const cxl = { backend: 'numa' as const, nodes: nodes(0, 1) }
    expect(standingConditions(cxl, machine(null), undefined, layOut())).toEqual([])
  })

  it('name all that makes figures worth less', () => {
    const cxl = { backend: 'emulated' as const, nodes: nodes(0, 0) }
    expect(standingConditions(cxl, machine('KVM'), 'table-5-near', layOut())).toEqual([
      'emulated: not a CXL measurement',
      expect.stringMatching(/^modelled: /),
      'one NUMA node: local and remote are the same memory',
      'virtual machine (KVM)',
    ])
  })

  it('say that times of a translated machine mean nothing', () => {
    const cxl = { backend: 'device' as const, nodes: nodes(0, 1) }
    expect(standingConditions(cxl, machine('QEMU TCG'), undefined, layOut())).toEqual([
      'virtual machine under TCG: times mean nothing',
    ])
  })

  it.each([
    ['powersave', '1', 2],
    ['performance', '0', 0],
    ['schedutil', '2', 2],
  ])('tell of governor %s and NUMA balancing %s', (governor, balancing, count) => {
    const root = layOut({
      'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': `${governor}\n`,
      'proc/sys/kernel/numa_balancing': `${balancing}\n`,
    })
    const cxl = { backend: 'numa' as const, nodes: nodes(0, 1) }
    const found = standingConditions(cxl, machine(null), undefined, root)
    expect(found).toHaveLength(count)
    for (const line of found) expect(line).toMatch(/^(frequency scaling: governor \w+;|NUMA bal)/)
  })

  const governor = (cpu: number, name: string) => ({
    [`sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`]: `${name}\n`,
  })
  const real = { backend: 'numa' as const, nodes: nodes(0, 1) }

  it('tell of the governor of any CPU', () => {
    const root = layOut(
      ...[governor(0, 'performance'), governor(1, 'schedutil'), governor(10, 'powersave')],
      ...[governor(11, 'schedutil'), { 'sys/devices/system/cpu/cpufreq/boost': '0\n' }],
    )
    expect(standingConditions(real, machine(null), undefined, root)).toEqual([
      expect.stringMatching(/^frequency scaling: governor schedutil, powersave; cpupower/),
    ])
  })

  it.each([
    ['intel_pstate/no_turbo', '0', '1'],
    ['cpufreq/boost', '1', '0'],
  ])('tell of a clock that rises, by %s', (file, on, off) => {
    const path = `sys/devices/system/cpu/${file}`
    const found = (value: string) =>
      standingConditions(real, machine(null), undefined, layOut({ [path]: `${value}\n` }))
    expect(found(off)).toEqual([])
    expect(found(on)).toEqual([
      'frequency scaling: the clock rises where few CPUs are busy; ' +
        `echo ${off} | sudo tee /${path} ends it`,
    ])
  })
})

describe('memory that each node can give', () => {
  const GIB = 2 ** 30
  const MEMINFO = { 'proc/meminfo': `MemTotal: 1 kB\nMemAvailable:   ${40 * 2 ** 20} kB\n` }
  const root = () =>
    layOut(
      MEMINFO,
      nodeFiles(
        { id: 0, cpus: '0', memory: 64, distances: '10 20' },
        { id: 1, cpus: '', memory: 8, distances: '20 10' },
      ),
    )

  it('is what the smaller node has free, and caches files with', () => {
    expect(memoryOfEach(nodes(0, 1), root())).toBe(2 * GIB + 2 ** 20)
  })

  it('is halved where both are the same', () => {
    expect(memoryOfEach(nodes(0, 0), root())).toBe((16 * GIB + 2 ** 20) / 2)
  })

  it('is no more than the control group allows', () => {
    expect(memoryOfEach(nodes(0, 1), root(), 2 ** 29)).toBe(2 ** 28)
  })

  it('is the machine’s where it has one node', () => {
    const one = layOut(MEMINFO, nodeFiles({ id: 0, cpus: '0', memory: 4, distances: '10' }))
    expect(memoryOfEach(nodes(0, 0), one)).toBe(20 * GIB)
  })
})
