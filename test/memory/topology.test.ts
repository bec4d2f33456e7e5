// What is read from sysfs, and which nodes become local and remote, on machines laid out in a folder.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inspectBackends } from '../../dist/lib/memory/backends.js'
import { chooseRoles, parseList, readTopology } from '../../dist/lib/memory/topology.js'

const GIB = 2 ** 30

interface Laid {
  id: number
  cpus: string
  gib: number
  distances: number[]
}

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'emucxl-machine-'))
})

afterEach(() => rmSync(root, { recursive: true }))

function lay(online: string, nodes: Laid[]): void {
  const folder = join(root, 'sys/devices/system/node')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'online'), `${online}\n`)
  for (const { id, cpus, gib, distances } of nodes) {
    const node = join(folder, `node${id}`)
    mkdirSync(node)
    writeFileSync(join(node, 'cpulist'), `${cpus}\n`)
    writeFileSync(join(node, 'distance'), `${distances.join(' ')}\n`)
    writeFileSync(
      join(node, 'meminfo'),
      `Node ${id} MemTotal:       ${gib * 2 ** 20} kB\nNode ${id} MemFree:        ${gib * 2 ** 19} kB\n`,
    )
  }
}

describe('a list of the kernel', () => {
  test.for([
    ['0', [0]],
    ['0-3', [0, 1, 2, 3]],
    ['0-2,5', [0, 1, 2, 5]],
    ['0,2-3,7-8\n', [0, 2, 3, 7, 8]],
    ['', []],
    ['\n', []],
    ['none', []],
    ['3-1', []],
    ['0-99999999999,7', [7]],
  ] as [string, number[]][])('%j is %j', ([text, numbers]) => {
    expect(parseList(text)).toEqual(numbers)
  })
})

describe('two sockets', () => {
  const nodes: Laid[] = [
    { id: 0, cpus: '0-3', gib: 8, distances: [10, 21] },
    { id: 1, cpus: '4-7', gib: 16, distances: [21, 10] },
  ]

  test('are read with CPUs, memory and distances', () => {
    lay('0-1', nodes)
    expect(readTopology(root)).toEqual([
      {
        id: 0,
        cpus: [0, 1, 2, 3],
        memoryTotal: 8 * GIB,
        memoryFree: 4 * GIB,
        allowed: true,
        distances: { 0: 10, 1: 21 },
      },
      {
        id: 1,
        cpus: [4, 5, 6, 7],
        memoryTotal: 16 * GIB,
        memoryFree: 8 * GIB,
        allowed: true,
        distances: { 0: 21, 1: 10 },
      },
    ])
  })

  test('local is the one of the CPU, remote the other', () => {
    lay('0-1', nodes)
    expect(chooseRoles(readTopology(root), 2)).toEqual({ local: 0, remote: [1] })
    expect(chooseRoles(readTopology(root), 5)).toEqual({ local: 1, remote: [0] })
  })

  test('a CPU that no node has counts as one of the first node', () => {
    lay('0-1', nodes)
    expect(chooseRoles(readTopology(root), 99)).toEqual({ local: 0, remote: [1] })
  })
})

describe('a cpuset', () => {
  const nodes: Laid[] = [
    { id: 0, cpus: '0-3', gib: 8, distances: [10, 20, 30] },
    { id: 1, cpus: '4-7', gib: 8, distances: [20, 10, 40] },
    { id: 2, cpus: '', gib: 8, distances: [30, 40, 10] },
  ]

  function allow(list: string): void {
    mkdirSync(join(root, 'proc/self'), { recursive: true })
    writeFileSync(
      join(root, 'proc/self/status'),
      `Name:\tnode\nMems_allowed:\t0000003f\nMems_allowed_list:\t${list}\nvoluntary_ctxt_switches:\t1\n`,
    )
  }

  test('that forbids the node without CPUs leaves the other socket as the remote one', () => {
    lay('0-2', nodes)
    allow('0-1')
    expect(readTopology(root).map(({ allowed }) => allowed)).toEqual([true, true, false])
    expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 0, remote: [1] })
  })

  test('that forbids the node of the CPU makes the nearest other one local', () => {
    lay('0-2', nodes)
    allow('1-2')
    expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 1, remote: [2] })
  })

  test('of one node makes it both', () => {
    lay('0-2', nodes)
    allow('1')
    expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 1, remote: [1] })
    expect(inspectBackends(readTopology(root)).find(({ name }) => name === 'numa')).not.toEqual({
      name: 'numa',
      available: true,
    })
  })

  test('may allow more than is online', () => {
    lay('0-2', nodes)
    allow('0-63')
    expect(readTopology(root).every(({ allowed }) => allowed)).toBe(true)
  })
})

test('a node without CPUs is remote, though a socket is nearer', () => {
  lay('0-2', [
    { id: 0, cpus: '0-3', gib: 8, distances: [10, 12, 30] },
    { id: 1, cpus: '4-7', gib: 8, distances: [12, 10, 40] },
    { id: 2, cpus: '', gib: 64, distances: [30, 40, 10] },
  ])
  expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 0, remote: [2] })
  expect(chooseRoles(readTopology(root), 4)).toEqual({ local: 1, remote: [2] })
})

test('of two nodes without CPUs the nearer one is remote', () => {
  lay('0-2', [
    { id: 0, cpus: '0-3', gib: 8, distances: [10, 50, 20] },
    { id: 1, cpus: '', gib: 64, distances: [50, 10, 60] },
    { id: 2, cpus: '', gib: 64, distances: [20, 60, 10] },
  ])
  expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 0, remote: [2] })
})

test('of three sockets the farthest one is remote', () => {
  lay('0-2', [
    { id: 0, cpus: '0', gib: 8, distances: [10, 31, 21] },
    { id: 1, cpus: '1', gib: 8, distances: [31, 10, 21] },
    { id: 2, cpus: '2', gib: 8, distances: [21, 21, 10] },
  ])
  expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 0, remote: [1] })
})

test('ids with holes keep their distances', () => {
  lay('0,4,9', [
    { id: 0, cpus: '0-1', gib: 8, distances: [10, 20, 30] },
    { id: 4, cpus: '2-3', gib: 8, distances: [20, 10, 40] },
    { id: 9, cpus: '', gib: 8, distances: [30, 40, 10] },
  ])
  const topology = readTopology(root)
  expect(topology.map(({ id }) => id)).toEqual([0, 4, 9])
  expect(topology[1]?.distances).toEqual({ 0: 20, 4: 10, 9: 40 })
  expect(chooseRoles(topology, 2)).toEqual({ local: 4, remote: [9] })
})

test('a node without memory yet is listed, and has no role', () => {
  lay('0-2', [
    { id: 0, cpus: '0-1', gib: 8, distances: [10, 20, 30] },
    { id: 1, cpus: '', gib: 0, distances: [20, 10, 40] },
    { id: 2, cpus: '', gib: 8, distances: [30, 40, 10] },
  ])
  const topology = readTopology(root)
  expect(topology[1]).toMatchObject({ id: 1, memoryTotal: 0, cpus: [] })
  expect(chooseRoles(topology, 0)).toEqual({ local: 0, remote: [2] })
})

test('a CPU whose node has no memory is served by the nearest one that has', () => {
  lay('0-2', [
    { id: 0, cpus: '0', gib: 0, distances: [10, 40, 20] },
    { id: 1, cpus: '1', gib: 8, distances: [40, 10, 20] },
    { id: 2, cpus: '2', gib: 8, distances: [20, 20, 10] },
  ])
  expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 2, remote: [1] })
})

test('one node is local and remote', () => {
  lay('0', [{ id: 0, cpus: '0-1', gib: 8, distances: [10] }])
  expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 0, remote: [0] })
})

test('without sysfs the whole machine is node 0', () => {
  const [node, ...others] = readTopology(join(root, 'nothing'))
  expect(others).toEqual([])
  expect(node).toMatchObject({ id: 0, memoryTotal: totalmem(), distances: { 0: 10 } })
  expect(node?.cpus).toContain(0)
})

test('files that are not there, or say nothing, are no reason to fail', () => {
  const folder = join(root, 'sys/devices/system/node')
  mkdirSync(join(folder, 'node3'), { recursive: true })
  writeFileSync(join(folder, 'online'), '3,5\n')
  writeFileSync(join(folder, 'node3/distance'), '\n')
  writeFileSync(join(folder, 'node3/meminfo'), 'nonsense\n')
  expect(readTopology(root)).toMatchObject([
    { id: 3, cpus: [], memoryTotal: 0 },
    { id: 5, cpus: [], memoryTotal: 0, distances: { 3: 20, 5: 10 } },
  ])
  expect(chooseRoles(readTopology(root), 0)).toEqual({ local: 3, remote: [3] })
})

test('no nodes at all are node 0', () => {
  expect(chooseRoles([], 0)).toEqual({ local: 0, remote: [0] })
})

test('this machine has a node with memory, the one of this CPU among them', () => {
  const topology = readTopology()
  expect(topology.some(({ memoryTotal }) => memoryTotal > 0)).toBe(true)
  expect(topology.some(({ cpus }) => cpus.length > 0)).toBe(true)
})
