// The latency model of the emulated backend: off unless asked for; on, no call is faster than it says.

import { Emucxl, LATENCY_PRESETS, type LatencyModel, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import {
  emucxlError,
  expectFailure,
  failureOf,
  rangeError,
  typeError,
  type Wanted,
} from './refusal.js'

const MIB = 2 ** 20
/** Slow enough to tell from what the call takes without it. */
const SLOW = {
  local: { latencyNs: 2e6, bandwidthGBps: 0.1 },
  remote: { latencyNs: 20e6, bandwidthGBps: 0.05 },
}

/** Milliseconds by the model. */
const modelled = ({ latencyNs, bandwidthGBps }: LatencyModel['local'], bytes: number): number =>
  (latencyNs + bytes / bandwidthGBps) / 1e6

async function msOf(call: () => unknown): Promise<number> {
  const began = performance.now()
  await call()
  return performance.now() - began
}

test('off: nothing is modelled, and calls take what they take', async () => {
  using cxl = Emucxl.open({ backend: 'emulated' })
  expect(cxl.modelled).toBe(false)
  const block = cxl.alloc(4096, REMOTE_MEMORY)
  const times: number[] = []
  for (let i = 0; i < 500; i++) times.push(await msOf(() => cxl.fill(block, 1)))
  expect(Math.min(...times)).toBeLessThan(1)
})

describe('on', () => {
  test('says so', () => {
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: 'table-5-near' })
    expect(cxl.modelled).toBe(true)
  })

  test.for([
    ['local', LOCAL_MEMORY],
    ['remote', REMOTE_MEMORY],
  ] as const)('calls on %s memory take at least what it says', async ([role, node]) => {
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: SLOW })
    const block = cxl.alloc(MIB, node)
    const buffer = new Uint8Array(MIB)
    const least = modelled(SLOW[role], MIB)
    expect(await msOf(() => cxl.read(block, 0, buffer))).toBeGreaterThanOrEqual(least)
    expect(await msOf(() => cxl.write(block, 0, buffer))).toBeGreaterThanOrEqual(least)
    expect(await msOf(() => cxl.fill(block, 1))).toBeGreaterThanOrEqual(least)
    expect(await msOf(() => cxl.readAsync(block, 0, buffer))).toBeGreaterThanOrEqual(least)
    expect(await msOf(() => cxl.writeAsync(block, 0, buffer))).toBeGreaterThanOrEqual(least)
    expect(await msOf(() => cxl.fillAsync(block, 1))).toBeGreaterThanOrEqual(least)
  })

  test('between two nodes the slower one counts', async () => {
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: SLOW })
    const [near, far] = [cxl.alloc(MIB, LOCAL_MEMORY), cxl.alloc(MIB, REMOTE_MEMORY)]
    const least = modelled(SLOW.remote, MIB)
    for (const [to, from] of [
      [near, far],
      [far, near],
    ] as const) {
      expect(await msOf(() => cxl.copy(to, 0, from, 0, MIB))).toBeGreaterThanOrEqual(least)
      expect(await msOf(() => cxl.move(to, 0, from, 0, MIB))).toBeGreaterThanOrEqual(least)
      expect(await msOf(() => cxl.copyAsync(to, 0, from, 0, MIB))).toBeGreaterThanOrEqual(least)
      expect(await msOf(() => cxl.moveAsync(to, 0, from, 0, MIB))).toBeGreaterThanOrEqual(least)
    }
  })

  test('a block that migrates takes the latency of its new node', async () => {
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: SLOW })
    const block = cxl.alloc(1, LOCAL_MEMORY)
    cxl.migrate(block, REMOTE_MEMORY)
    expect(await msOf(() => cxl.fill(block, 1))).toBeGreaterThanOrEqual(20)
  })

  test('all remote nodes are remote', async () => {
    using first = Emucxl.open({ backend: 'emulated' })
    const remote = first.nodes.map(({ numaNode }) => numaNode)
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: SLOW, remote })
    const block = cxl.alloc(1, remote.length)
    expect(await msOf(() => cxl.fill(block, 1))).toBeGreaterThanOrEqual(20)
  })
})

describe('presets', () => {
  test.for(Object.keys(LATENCY_PRESETS) as (keyof typeof LATENCY_PRESETS)[])('%s', (name) => {
    const { local, remote } = LATENCY_PRESETS[name]
    expect(remote.latencyNs).toBeGreaterThan(local.latencyNs)
    expect(remote.bandwidthGBps).toBeLessThan(local.bandwidthGBps)
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: name })
    expect(cxl.modelled).toBe(true)
  })
})

const node = { latencyNs: 1, bandwidthGBps: 1 }

const WRONG: [string, unknown, Wanted][] = [
  ['an unknown name', 'fast', rangeError("options.latencyModel must be one of 'table-5-near'")],
  ['a number', 5, typeError('options.latencyModel must be the name of a preset')],
  ['null', null, typeError('options.latencyModel')],
  ['true', true, typeError('options.latencyModel')],
  ['no nodes', {}, typeError('options.latencyModel.local must be { latencyNs, bandwidthGBps }')],
  ['no remote node', { local: node }, typeError('options.latencyModel.remote')],
  [
    'no latency',
    { local: { bandwidthGBps: 1 }, remote: node },
    typeError('options.latencyModel.local.latencyNs must be a number of nanoseconds'),
  ],
  ...[-1, Number.NaN, Number.POSITIVE_INFINITY, 1e9 + 1].map(
    (latencyNs): [string, unknown, Wanted] => [
      `latency ${latencyNs}`,
      { local: node, remote: { ...node, latencyNs } },
      rangeError('options.latencyModel.remote.latencyNs must be from 0 to 10^9'),
    ],
  ),
  ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map(
    (bandwidthGBps): [string, unknown, Wanted] => [
      `bandwidth ${bandwidthGBps}`,
      { local: { ...node, bandwidthGBps }, remote: node },
      rangeError('options.latencyModel.local.bandwidthGBps must be from 0.001'),
    ],
  ),
  [
    'a bandwidth of another type',
    { local: { ...node, bandwidthGBps: '1' }, remote: node },
    typeError('options.latencyModel.local.bandwidthGBps'),
  ],
]

describe('is refused with', () => {
  test.for(WRONG)('%s', async ([, latencyModel, wanted]) => {
    const call = () =>
      Emucxl.open({ backend: 'emulated', latencyModel: latencyModel as LatencyModel })
    expectFailure(await failureOf(call), wanted)
  })
})

test('is refused where memory has a latency of its own', async () => {
  const device = { backend: 'device', devicePath: '/dev/zero' } as const
  for (const options of [device, { backend: 'numa' }] as const) {
    const call = () => Emucxl.open({ ...options, latencyModel: 'table-5-far' })
    const { backend } = options
    const says = ['options.latencyModel', `backend '${backend}'`, "the model is for 'emulated'"]
    expectFailure(await failureOf(call), emucxlError('UNSUPPORTED', ...says))
  }
})
