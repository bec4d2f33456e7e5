// QEMU's command line, and the host's nodes behind the guest's.

import { describe, expect, test } from 'vitest'
import { hostNodes } from '../../dist/appliance/host.js'
import { missesWrites, qemuArguments } from '../../dist/appliance/qemu.js'

const PARTS = {
  accelerator: 'tcg',
  cpus: 2,
  local: 2 ** 30,
  remote: 2 ** 31,
  image: '/k/vmlinuz',
  initramfs: '/k/initramfs.cpio',
  shares: [],
  sockets: '/tmp/s',
} as const

const line = (parts: object) => qemuArguments({ ...PARTS, ...parts }).join(' ')

describe('the command line', () => {
  test('has a node with the CPUs and one with memory alone', () => {
    const words = line({})
    expect(words).toContain('-m 3072M')
    expect(words).toContain('-numa node,nodeid=0,memdev=local,cpus=0-1')
    expect(words).toContain('-numa node,nodeid=1,memdev=remote ')
    expect(words).not.toContain('host-nodes')
  })

  test('takes the memory of each from a node of the host', () => {
    const words = line({ hostNodes: { local: 1, remote: 4 } })
    expect(words).toMatch(/id=local,size=\d+,host-nodes=1,policy=bind/)
    expect(words).toMatch(/id=remote,size=\d+,host-nodes=4,policy=bind/)
  })

  test('keeps commas in paths', () => {
    const words = line({ shares: [{ tag: 'a', path: '/x,y', readonly: true }], sockets: '/s,t' })
    expect(words).toContain('path=/x,,y,')
    expect(words).toContain('path=/s,,t/0')
    expect(words).toContain('readonly=on')
  })

  test('leaves mitigations on where times mean something', () => {
    expect(line({ accelerator: 'kvm' })).not.toContain('mitigations')
    expect(line({ accelerator: 'kvm' })).toContain('-cpu host')
    expect(line({})).toContain('mitigations=off')
  })
})

const node = (id: number, cpus: number[], distances: Record<number, number>) => ({
  id,
  cpus,
  memoryTotal: 2 ** 34,
  memoryFree: 2 ** 33,
  allowed: true,
  distances,
})

describe('the host’s nodes', () => {
  test('are left alone where there is one', () => {
    expect(hostNodes([node(0, [0, 1], { 0: 10 })])).toBeUndefined()
  })

  test('of two sockets are both', () => {
    const nodes = [node(0, [0], { 0: 10, 1: 21 }), node(1, [1], { 0: 21, 1: 10 })]
    expect(hostNodes(nodes)).toEqual({ local: 0, remote: 1 })
  })

  test('without CPUs come before other sockets', () => {
    const nodes = [
      node(0, [0], { 0: 10, 1: 21, 2: 14 }),
      node(1, [1], { 0: 21, 1: 10, 2: 24 }),
      node(2, [], { 0: 14, 1: 24, 2: 10 }),
    ]
    expect(hostNodes(nodes)).toEqual({ local: 0, remote: 2 })
  })
})

test('nothing is amiss with code that is written while it runs, with KVM or one CPU', async () => {
  expect(await missesWrites('kvm', 4)).toBe(false)
  expect(await missesWrites('tcg', 1)).toBe(false)
})
