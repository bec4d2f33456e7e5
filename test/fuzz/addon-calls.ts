// Calls every function of the native addon with random garbage, past the checks of TypeScript: it may
// throw, and must not crash. Arguments: seed, number of calls. Prints how many returned and threw.
//
// Left out, because they are no argument that JavaScript could pass by mistake: an error factory of
// the test's own (setup), and a pointer chase or a sweep that would run for years.

import { setImmediate as turn } from 'node:timers/promises'
import { createContext, runInContext } from 'node:vm'
import { EmucxlError } from 'emucxl'
import { type Addon, addon } from '../../dist/lib/memory/addon.js'

const [seed, calls] = process.argv.slice(2).map(Number) as [number, number]

// Mulberry32
let state = seed
function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % below
}

const pick = <T>(among: readonly T[]): T => among[random(among.length)] as T

/** Numbers that are right somewhere, kept below what would take all memory of the machine. */
const RIGHT = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  16,
  31,
  32,
  63,
  100,
  4095,
  4096,
  4097,
  9000,
  2 ** 21,
  2 ** 23,
]
const WRONG_NUMBERS = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  -0,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 47,
  2 ** 47 + 1,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
]

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (limits: { initial: number }) => { buffer: ArrayBuffer } }
}
const wasm = new WebAssembly.Memory({ initial: 1 })
const realm = createContext({})
const contexts: number[] = []
/** Blocks and other memory, live and dead; the oldest ones are forgotten. */
const memory: unknown[] = []

function remember(value: unknown): void {
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    memory.push(value)
    if (memory.length > 60) memory.splice(random(memory.length), 1)
  } else if (typeof value === 'number' && Number.isInteger(value) && value < 2 ** 32) {
    contexts.push(value)
    if (contexts.length > 12) contexts.shift()
  }
}

const view = (buffer: unknown): unknown => {
  const b = buffer as ArrayBuffer
  try {
    const at = random(b.byteLength + 1)
    switch (random(6)) {
      case 0:
        return new Uint8Array(b, at, random(b.byteLength - at + 1))
      case 1:
        return new DataView(b, at, random(b.byteLength - at + 1))
      case 2:
        return new Float64Array(b, 0, Math.floor(b.byteLength / 8))
      case 3:
        return new BigUint64Array(b)
      case 4:
        return Object.setPrototypeOf(new Uint16Array(b), null)
      default:
        return Buffer.from(b)
    }
  } catch {
    return new Uint8Array(3) // a detached one has no views
  }
}

const GARBAGE: (() => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => 'emulated',
  () => 'device',
  () => 'numa',
  () => '/dev/zero',
  () => 'x'.repeat(random(10_000)),
  () => '\0\ud800',
  () => 5n,
  () => Symbol('garbage'),
  () => ({}),
  () => [],
  () => [0, 2 ** 20, 0, 0, 0, 2 ** 20, 0, 0],
  () => [0, 2 ** 20, 1, 1],
  () => [0, 2 ** 20, Number.NaN, -1],
  () => [0, {}, '', null],
  () => new Array(2 ** 16),
  () => Object.freeze([0, 0, 0, 0]),
  () => [1, 2, 3],
  () => [999_999, 2 ** 53, 0, 0],
  () => new Proxy([0, 2 ** 20, 0, 0], {}),
  () => new Proxy(() => 1, {}),
  () => new Proxy(new ArrayBuffer(8), {}),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  // Elements that run code, and pull things from under the call.
  () =>
    Object.defineProperty([0, 2 ** 20, 0, 0], 1, {
      get() {
        for (const buffer of memory.slice(0, 3)) attempt('free', [buffer])
        return 2 ** 20
      },
    }),
  () =>
    Object.defineProperty([0, 2 ** 20, 0, 0], 2, {
      get() {
        throw new EmucxlError('ERR_EMUCXL_INTERNAL', 'from a getter')
      },
    }),
  () => ({
    valueOf() {
      throw new EmucxlError('ERR_EMUCXL_INTERNAL', 'from valueOf')
    },
  }),
  () => new ArrayBuffer(random(10_000)),
  () => new ArrayBuffer(100, { maxByteLength: 5000 }),
  () => new SharedArrayBuffer(random(10_000)),
  () => new SharedArrayBuffer(100, { maxByteLength: 5000 }),
  () => wasm.buffer,
  () => runInContext('new Uint8Array(100)', realm),
  () => Object.create(ArrayBuffer.prototype),
  () => Object.setPrototypeOf({}, Uint8Array.prototype),
  () => {
    const resizable = new ArrayBuffer(100, { maxByteLength: 100 })
    const outside = new Uint8Array(resizable, 50, 20)
    resizable.resize(10)
    return outside
  },
  () => {
    const gone = new ArrayBuffer(100)
    const dead = new DataView(gone)
    structuredClone(gone, { transfer: [gone] })
    return dead
  },
]

type Kind =
  | 'context'
  | 'memory'
  | 'number'
  | 'small'
  | 'job'
  | 'flag'
  | 'text'
  | 'rows'
  | 'kernel'
  | 'blocks'
  | 'weights'
  | 'cpus'
  | 'traffic'

/** What each function takes: lib/memory/addon.ts. */
const SHAPES: Record<keyof Addon, Kind[]> = {
  setup: ['text'],
  isFirst: [],
  backendCapacity: ['context', 'small'],
  probe: ['text', 'text'],
  open: ['text', 'text', 'rows'],
  close: ['context', 'flag'],
  abandon: ['context'],
  alloc: ['context', 'number', 'small', 'small'],
  free: ['memory'],
  resize: ['memory', 'number'],
  migrate: ['memory', 'small'],
  share: ['memory'],
  attach: ['number'],
  setCapacity: ['context', 'small', 'number'],
  copy: ['memory', 'small', 'memory', 'small', 'number', 'small'],
  fill: ['memory', 'small', 'number', 'small'],
  nodeOf: ['memory'],
  sizeOf: ['memory'],
  where: ['memory'],
  stats: ['context', 'small'],
  mappings: ['context'],
  currentCpu: [],
  tryNumaCalls: [],
  wrapsShared: [],
  allocAsync: ['job', 'context', 'number', 'small', 'small'],
  freeAsync: ['job', 'memory'],
  resizeAsync: ['job', 'memory', 'number'],
  migrateAsync: ['job', 'memory', 'small'],
  copyAsync: ['job', 'memory', 'small', 'memory', 'small', 'number', 'small'],
  fillAsync: ['job', 'memory', 'small', 'number', 'small'],
  whereAsync: ['job', 'memory'],
  closeAsync: ['job', 'context'],
  cancel: ['job'],
  pinThread: ['text'], // a thread that stays on one CPU would spoil what the others find
  chase: ['memory', 'small', 'small', 'small', 'small'],
  sweep: ['kernel', 'blocks', 'weights', 'cpus', 'small'],
  startTraffic: ['kernel', 'blocks', 'weights', 'cpus'],
  stopTraffic: ['traffic'],
}

/** Threads that were started, and not yet stopped: never many, or nothing else would get on. */
const traffic: number[] = []

/** Of the blocks of a sweep or of traffic; chosen with its kernel. */
let shape = { operands: 1, parts: 1 }

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, () => make())

const right: Record<Kind, () => unknown> = {
  context: () => pick(contexts),
  memory: () => (random(3) === 0 ? view(pick(memory)) : pick(memory)),
  number: () => pick(RIGHT),
  small: () => random(random(10) === 0 ? 64 : 3),
  job: () => random(1000),
  flag: () => random(2) === 1,
  text: () => pick(['emulated', 'numa', 'device', '/dev/zero', 'libnuma', '']),
  rows: () => [0, 2 ** 24, 0, 0, 0, 2 ** 24, 0, 0],
  kernel: () => {
    shape = { operands: 1 + random(3), parts: 1 + random(2) }
    return pick(['read', 'write', 'copy', 'triad'].slice(shape.operands < 2 ? 0 : shape.operands))
  },
  blocks: () => many(shape.operands, () => many(shape.parts, () => argument('memory'))),
  weights: () => many(shape.parts, () => argument('small')),
  cpus: () => many(1 + random(3), () => pick([-1, 0, 1, 9999])),
  traffic: () => pick([...traffic, 0, 1]),
}

/** Mostly right, so that the next argument counts too. */
function argument(kind: Kind | undefined): unknown {
  const wrong = random(100)
  if (wrong < 85 && kind !== undefined) return right[kind]()
  if (wrong < 90) return pick(WRONG_NUMBERS)
  if (wrong < 93) return right[pick(Object.keys(right) as Kind[])]()
  return pick(GARBAGE)()
}

const ended: Record<string, { returned: number; threw: number }> = {}

function note(name: string, end: 'returned' | 'threw'): void {
  ended[name] ??= { returned: 0, threw: 0 }
  ended[name][end]++
}

/** An error has to be one that somebody made, with a code. */
function threw(name: string, error: unknown): void {
  const { code } = error as { code?: unknown }
  if (!(error instanceof Error) || typeof code !== 'string') {
    console.log(`${name} threw something else:`, error)
    process.exit(1)
  }
  note(name, 'threw')
}

function attempt(name: keyof Addon, taken: unknown[]): void {
  try {
    const result = Reflect.apply(addon[name], addon, taken) as unknown
    if (!(result instanceof Promise)) {
      note(name, 'returned')
      if (name === 'startTraffic') traffic.push(result as number)
      if (traffic.length > 2) attempt('stopTraffic', [traffic.shift()])
      // Contexts are numbers, and so is much else: all are tried.
      remember(result)
      return
    }
    result.then(
      (value) => {
        note(name, 'returned')
        remember(value)
      },
      (error) => threw(name, error),
    )
  } catch (error) {
    threw(name, error)
  }
}

/** The arguments of a call that works, so that there is something to be hostile to. */
function good(): void {
  const context = pick(contexts)
  const kind = random(4)
  if (kind === 0) attempt('open', ['emulated', '', [0, 2 ** 24, 0, 0, 0, 2 ** 24, 0, 0]])
  else if (kind === 1) attempt('allocAsync', [i, context, pick(RIGHT), random(2), random(2) * 16])
  else attempt('alloc', [context, pick(RIGHT), random(2), random(4) === 0 ? 16 : 0])
}

const names = (Object.keys(addon) as (keyof Addon)[]).filter(
  (name) => typeof addon[name] === 'function',
)
let i = 0
for (; i < calls; i++) {
  const name = pick(names)
  if (i % 4 === 0 || contexts.length === 0) good()
  const kinds = SHAPES[name]
  const count = random(8) === 0 ? random(9) : kinds.length
  const taken = Array.from({ length: count }, (_, at) => argument(kinds[at]))
  if (name === 'setup' && typeof taken[0] === 'function') continue
  const isLong = (n: unknown) => typeof n === 'number' && n > 100
  if (name === 'chase' && taken.slice(1, 3).some(isLong)) continue
  if (name === 'sweep' && isLong(taken[4])) continue
  attempt(name, taken)
  if (i % 50 === 0) await turn()
  if (i % 2000 === 0) (globalThis as { gc?: () => void }).gc?.()
}
await turn()
console.log(JSON.stringify(ended))
