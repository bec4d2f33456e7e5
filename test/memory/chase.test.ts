// The addon's pointer chase: what it tells of its CPU, and that the thread is free again afterwards; and
// threads that are to stay where they are.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { LOCAL_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { addon } from '../../dist/lib/memory/addon.js'
import { eachBackend } from './each-backend.js'
import { expectFailure, failureOf, rangeError, typeError } from './refusal.js'

const allowed = (): string =>
  /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1] ?? ''
const first = Number.parseInt(allowed(), 10)

eachBackend(({ open }) => {
  test('one number for each sample, and lines of 64 bytes', () => {
    using cxl = open()
    const block = cxl.alloc(10_000, LOCAL_MEMORY)
    const { lines, nsPerLoad } = addon.chase(block, 1000, 3, 1, -1)
    expect(lines).toBe(156)
    expect(nsPerLoad).toHaveLength(3)
    for (const ns of nsPerLoad) expect(ns).toBeGreaterThan(0)
  })

  test('on the CPU that is named, and free afterwards', () => {
    using cxl = open()
    const before = allowed()
    const { pinned, cpu } = addon.chase(cxl.alloc(4096, LOCAL_MEMORY), 1000, 1, 1, first)
    expect({ pinned, cpu }).toEqual({ pinned: true, cpu: first })
    expect(allowed()).toBe(before)
  })

  test('-1: on the CPU where the thread is', () => {
    using cxl = open()
    const { pinned, cpu } = addon.chase(cxl.alloc(4096, LOCAL_MEMORY), 1000, 1, 1, -1)
    expect(pinned).toBe(true)
    expect(cpu).toBeGreaterThanOrEqual(0)
  })

  test.for([8191, 8192, 2 ** 31 - 1])('CPU %i, which is not there, is told and no error', (cpu) => {
    using cxl = open()
    const { pinned, nsPerLoad } = addon.chase(cxl.alloc(4096, LOCAL_MEMORY), 1000, 2, 1, cpu)
    expect(pinned).toBe(false)
    expect(nsPerLoad).toHaveLength(2)
  })

  describe('is refused with', () => {
    test.for([
      ...[-2, 0.5, 2 ** 31, Number.NaN, '0', undefined].map((cpu) => [1, 1, cpu] as const),
      ...[-1, 0.5, '1', null].map((loads) => [loads, 1, -1] as const),
      ...[-1, 1.5, {}].map((samples) => [1, samples, -1] as const),
    ])('loads, samples, cpu %o', async ([loads, samples, cpu]) => {
      using cxl = open()
      const block = cxl.alloc(4096, LOCAL_MEMORY)
      const call = () => addon.chase(block, loads as number, samples as number, 1, cpu as number)
      expectFailure(await failureOf(call), typeError('argument'))
    })

    test.for([
      ['no loads', 128, 0],
      ['one line', 64, 1],
    ] as const)('%s', async ([, size, loads]) => {
      using cxl = open()
      const block = cxl.alloc(size, LOCAL_MEMORY)
      const call = () => addon.chase(block, loads, 1, 1, -1)
      expectFailure(await failureOf(call), rangeError('address'))
    })
  })
})

/** Pins threads of a process of its own to CPUs, one after the other; returns where each may run then. */
function pinnedTo(...cpus: number[]): [boolean, string][] {
  const program = `
    import { readFileSync } from 'node:fs'
    import { addon } from ${JSON.stringify(new URL('../../dist/lib/memory/addon.js', import.meta.url))}
    const pin = (cpu) => [
      addon.pinThread(cpu),
      /Cpus_allowed_list:\\s*(\\S+)/.exec(readFileSync('/proc/thread-self/status', 'utf8'))[1],
    ]
    console.log(JSON.stringify(${JSON.stringify(cpus)}.map(pin)))`
  const words = ['--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe('a thread that is to stay', () => {
  test('is on the CPU that is named, for good', () => {
    const [one, again] = pinnedTo(first, -1)
    expect(one).toEqual([true, String(first)])
    expect(again).toEqual([true, String(first)])
  })

  test('-1: stays on the CPU where it is', () => {
    const [[pinned, cpu]] = pinnedTo(-1) as [[boolean, string]]
    expect(pinned).toBe(true)
    expect(cpu).toMatch(/^\d+$/)
  })

  test('is as free as before where there is no such CPU', () => {
    expect(pinnedTo(8191, 8192, 2 ** 31 - 1)).toEqual(Array(3).fill([false, allowed()]))
  })

  test.for([-2, 0.5, 2 ** 31, Number.NaN, '0', undefined])('is refused CPU %o', async (cpu) => {
    const call = () => addon.pinThread(cpu as number)
    expectFailure(await failureOf(call), typeError('argument'))
  })
})
