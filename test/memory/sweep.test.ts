// Sweeps: passes of each kernel over one part and several, by any number of threads, and all that they
// refuse, with sweeps and traffic alike.

import { LOCAL_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { addon } from '../../dist/lib/memory/addon.js'
import { type BackendHere, eachBackend } from './each-backend.js'
import { kernels, OPERANDS, operands } from './measuring.js'
import { emucxlError, failureOf, rangeError, typeError, Untouched, type Wanted } from './refusal.js'

const PAGE = 4096
const ODD = 37 * PAGE + 1234
const SMALL = 2 * PAGE + 24

type Open = BackendHere['open']
type Arguments = [kernel: unknown, blocks: unknown, weights: unknown, cpus: unknown]

const calls: [name: string, call: (args: Arguments) => unknown][] = [
  ['sweep', (args) => Reflect.apply(addon.sweep, addon, [...args, 1])],
  ['startTraffic', (args) => Reflect.apply(addon.startTraffic, addon, args)],
]

/** Good arguments for a copy from `from` to `to` with one of them spoiled. */
interface Good {
  to: ArrayBuffer
  from: ArrayBuffer
}

const REFUSED: [name: string, wanted: Wanted, spoiled: (good: Good) => Arguments][] = [
  ['no kernel', typeError('kernel'), ({ to, from }) => [undefined, [[to], [from]], [1], [-1]]],
  ['an unknown kernel', rangeError('kernel'), ({ to, from }) => ['add', [[to], [from]], [1], [-1]]],
  ['a long kernel', rangeError('kernel'), ({ to, from }) => ['copycopy', [[to], [from]], [1], [0]]],
  ['no blocks', typeError('blocks must'), () => ['copy', undefined, [1], [-1]]],
  ['one operand', rangeError('blocks must have 2'), ({ to }) => ['copy', [[to]], [1], [-1]]],
  ['too many', rangeError('have 1 elements'), ({ to, from }) => ['read', [[to], [from]], [1], [0]]],
  ['a flat operand', typeError('an operand'), ({ to, from }) => ['copy', [to, from], [1], [-1]]],
  ['a block too many', rangeError('operand'), ({ to, from }) => ['write', [[to, from]], [1], [-1]]],
  ['a block missing', rangeError('operand'), ({ to }) => ['write', [[to]], [1, 1], [-1]]],
  ['the same block twice', rangeError('different'), ({ to }) => ['copy', [[to], [to]], [1], [-1]]],
  ['a part twice', rangeError('different'), ({ to }) => ['write', [[to, to]], [1, 1], [-1]]],
  [
    'two views of a block',
    rangeError('different'),
    ({ to }) => ['copy', [[new Uint8Array(to, 0, PAGE)], [new DataView(to, 0, PAGE)]], [1], [-1]],
  ],
  [
    'other lengths',
    rangeError('equal length'),
    ({ to, from }) => ['copy', [[to], [new Uint8Array(from, 0, PAGE)]], [1], [-1]],
  ],
  [
    'less than a page',
    rangeError('a page'),
    ({ to }) => ['write', [[new Uint8Array(to, 0, PAGE - 1)]], [1], [-1]],
  ],
  [
    'the middle of a block',
    rangeError('the start'),
    ({ to }) => ['write', [[new Uint8Array(to, PAGE)]], [1], [-1]],
  ],
  [
    'other memory',
    emucxlError('NOT_ALLOCATED', 'blocks'),
    () => ['write', [[new ArrayBuffer(ODD)]], [1], [-1]],
  ],
  ['no memory', typeError('blocks'), () => ['write', [[5]], [1], [-1]]],
  ['a hole', typeError('blocks'), () => ['write', [new Array(1)], [1], [-1]]],
  ['no weights', typeError('weights'), ({ to }) => ['write', [[to]], undefined, [-1]]],
  ['none of weights', rangeError('weights'), ({ to }) => ['write', [[to]], [], [-1]]],
  ['65 weights', rangeError('weights'), ({ to }) => ['write', [[to]], Array(65).fill(1), [-1]]],
  ['weights 0', rangeError('weights'), ({ to, from }) => ['write', [[to, from]], [0, 0], [-1]]],
  ...[-1, 0.5, '1', Number.NaN, 2 ** 53, null].map((weight): (typeof REFUSED)[number] => [
    `weight ${weight}`,
    typeError('weights'),
    ({ to, from }) => ['write', [[to, from]], [1, weight], [-1]],
  ]),
  ...[1000, 2 ** 53 - 1].map((weight): (typeof REFUSED)[number] => [
    `weight ${weight}, more than there are pages`,
    rangeError('room'),
    ({ to, from }) => ['write', [[to, from]], [weight, weight], [-1]],
  ]),
  ['no cpus', typeError('cpus'), ({ to }) => ['write', [[to]], [1], 2]],
  ['no thread', rangeError('cpus'), ({ to }) => ['write', [[to]], [1], []]],
  ['1025 threads', rangeError('cpus'), ({ to }) => ['write', [[to]], [1], Array(1025).fill(-1)]],
  ['2^32 - 1 threads', rangeError('cpus'), ({ to }) => ['write', [[to]], [1], Array(2 ** 32 - 1)]],
  ...[-2, 0.5, '0', undefined, 2 ** 31].map((cpu): (typeof REFUSED)[number] => [
    `CPU ${cpu}`,
    typeError('cpus'),
    ({ to }) => ['write', [[to]], [1], [0, cpu]],
  ]),
]

async function refuses(open: Open, call: (typeof calls)[number][1], i: number): Promise<void> {
  const [, wanted, spoiled] = REFUSED[i] as (typeof REFUSED)[number]
  using cxl = open()
  const good = { to: cxl.alloc(SMALL, 0), from: cxl.alloc(SMALL, 1) }
  const untouched = new Untouched(cxl, good.to, good.from)
  await untouched.refuses(() => call(spoiled(good)), wanted)
}

eachBackend(({ open }) => {
  describe.for(kernels)('%s', (kernel) => {
    test.for([1, 2, 7, 100])('%i threads over one part', (threads) => {
      using cxl = open()
      const blocks = operands(cxl, kernel, ODD)
      const swept = addon.sweep(kernel, blocks, [1], new Array(threads).fill(-1), 3)
      expect(swept.valid).toBe(true)
      expect(swept.pinned).toBe(false)
      expect(swept.bytesPerPass).toBe(OPERANDS[kernel] * Math.floor(ODD / 8) * 8)
      expect(swept.nsPerPass).toHaveLength(3)
      for (const ns of swept.nsPerPass) expect(ns).toBeGreaterThan(0)
    })

    test.for([
      [3, 1],
      [1, 3],
      [0, 2],
      [37, 5],
    ])('in the ratio %i:%i over two nodes', (weights) => {
      using cxl = open()
      const blocks = operands(cxl, kernel, ODD, ODD)
      const most = Math.min(...weights.filter(Boolean).map((weight) => Math.floor(37 / weight)))
      const pages = most * weights.reduce((a, b) => a + b)
      const swept = addon.sweep(kernel, blocks, weights, [-1, -1, -1], 2)
      expect(swept.valid).toBe(true)
      expect(swept.bytesPerPass).toBe(OPERANDS[kernel] * pages * PAGE)
    })
  })

  test('memory that is not used stays as it is', () => {
    using cxl = open()
    const [near, far] = [cxl.alloc(5 * PAGE, 0), cxl.alloc(5 * PAGE, 1)]
    addon.sweep('write', [[near, far]], [2, 1], [-1], 1)
    expect(new Uint8Array(near, 4 * PAGE).every((byte) => byte === 0)).toBe(true)
    expect(new Uint8Array(near, 0, 4 * PAGE).every((byte) => byte !== 0)).toBe(true)
    expect(new Uint8Array(far, 2 * PAGE).every((byte) => byte === 0)).toBe(true)
  })

  test('shared blocks too', () => {
    using cxl = open()
    const shared = cxl.alloc(ODD, LOCAL_MEMORY, { shared: true })
    expect(addon.sweep('write', [[shared]], [1], [-1], 1).valid).toBe(true)
  })

  test.for([0, 1.5, -1, 1_000_001, '1', undefined])('%o passes are refused', async (passes) => {
    using cxl = open()
    const blocks = [[cxl.alloc(PAGE, 0)]]
    const error = await failureOf(() => addon.sweep('read', blocks, [1], [-1], passes as number))
    expect(error.code).toMatch(/^ERR_(OUT_OF_RANGE|INVALID_ARG_TYPE)$/)
  })

  describe.for(calls)('%s refuses', ([, call]) => {
    test.for(REFUSED.map(([name], i) => [name, i] as const))('%s', ([, i]) =>
      refuses(open, call, i),
    )

    test.for(['free', 'close'] as const)('a block after %s', async (end) => {
      using cxl = open()
      const block = cxl.alloc(ODD, 0)
      if (end === 'free') cxl.free(block)
      else cxl.close()
      const error = await failureOf(() => call(['write', [[block]], [1], [-1]]))
      expect(error.code).toBe('ERR_EMUCXL_DETACHED')
    })

    test('a block that an element of the arguments frees', async () => {
      using cxl = open()
      const [to, from] = [cxl.alloc(ODD, 0), cxl.alloc(ODD, 1)]
      const operand = Object.defineProperty([undefined], 0, {
        get() {
          cxl.free(to)
          return from
        },
      })
      const error = await failureOf(() => call(['copy', [[to], operand], [1], [-1]]))
      expect(error.code).toBe('ERR_EMUCXL_DETACHED')
    })

    test('arguments whose elements throw, with their error', async () => {
      const thrown = new Error('from a getter')
      const cpus = Object.defineProperty([0], 0, {
        get() {
          throw thrown
        },
      })
      expect(await failureOf(() => call(['read', [[]], [1], cpus]))).toBe(thrown)
    })
  })
})
