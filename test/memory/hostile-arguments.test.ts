// Every function with every kind of bad argument: each is refused with an error that names the
// parameter, and accounts, mappings and contents stay as they were.

import { createContext, runInContext } from 'node:vm'
import type { Emucxl } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { type BackendHere, eachBackend } from './each-backend.js'
import {
  bytesOf,
  emucxlError,
  expectFailure,
  failureOf,
  filled,
  rangeError,
  typeError,
  Untouched,
  type Wanted,
} from './refusal.js'

type Value = never

/** What every call needs besides the argument that is bad. */
interface Good {
  cxl: Emucxl
  block: ArrayBuffer
  buffer: Uint8Array
}

type Call = (good: Good, bad: Value) => unknown

const NUMBERS: Record<string, { value: unknown; type: 'TypeError' | 'RangeError' }> = {
  '-1': { value: -1, type: 'RangeError' },
  '1.5': { value: 1.5, type: 'RangeError' },
  NaN: { value: Number.NaN, type: 'RangeError' },
  Infinity: { value: Number.POSITIVE_INFINITY, type: 'RangeError' },
  '-Infinity': { value: Number.NEGATIVE_INFINITY, type: 'RangeError' },
  '2^53': { value: 2 ** 53, type: 'RangeError' },
  '1e300': { value: 1e300, type: 'RangeError' },
  "'8'": { value: '8', type: 'TypeError' },
  "''": { value: '', type: 'TypeError' },
  null: { value: null, type: 'TypeError' },
  true: { value: true, type: 'TypeError' },
  '8n': { value: 8n, type: 'TypeError' },
  'a symbol': { value: Symbol('8'), type: 'TypeError' },
  '[8]': { value: [8], type: 'TypeError' },
  '{}': { value: {}, type: 'TypeError' },
  'a function': { value: () => 8, type: 'TypeError' },
  'a Number': { value: Object(8), type: 'TypeError' },
  'an object that throws': {
    value: {
      valueOf() {
        throw new Error('valueOf was called')
      },
      [Symbol.toPrimitive]() {
        throw new Error('toPrimitive was called')
      },
    },
    type: 'TypeError',
  },
}

/** Calls by the parameter that is a number of bytes. */
const NUMBER_CALLS: [name: string, parameter: string, call: Call][] = [
  ['alloc', 'size', ({ cxl }, n) => cxl.alloc(n, 0)],
  ['allocAsync', 'size', ({ cxl }, n) => cxl.allocAsync(n, 0)],
  ['resize', 'size', ({ cxl, block }, n) => cxl.resize(block, n)],
  ['resizeAsync', 'size', ({ cxl, block }, n) => cxl.resizeAsync(block, n)],
  ['setCapacity', 'bytes', ({ cxl }, n) => cxl.setCapacity(0, n)],
  ['read', 'offset', ({ cxl, block, buffer }, n) => cxl.read(block, n, buffer)],
  ['read', 'size', ({ cxl, block, buffer }, n) => cxl.read(block, 0, buffer, n)],
  ['readAsync', 'offset', ({ cxl, block, buffer }, n) => cxl.readAsync(block, n, buffer)],
  ['readAsync', 'size', ({ cxl, block, buffer }, n) => cxl.readAsync(block, 0, buffer, n)],
  ['write', 'offset', ({ cxl, block, buffer }, n) => cxl.write(block, n, buffer)],
  ['write', 'size', ({ cxl, block, buffer }, n) => cxl.write(block, 0, buffer, n)],
  ['writeAsync', 'offset', ({ cxl, block, buffer }, n) => cxl.writeAsync(block, n, buffer)],
  ['writeAsync', 'size', ({ cxl, block, buffer }, n) => cxl.writeAsync(block, 0, buffer, n)],
  ['fill', 'offset', ({ cxl, block }, n) => cxl.fill(block, 1, n)],
  ['fill', 'size', ({ cxl, block }, n) => cxl.fill(block, 1, 0, n)],
  ['fillAsync', 'offset', ({ cxl, block }, n) => cxl.fillAsync(block, 1, n)],
  ['fillAsync', 'size', ({ cxl, block }, n) => cxl.fillAsync(block, 1, 0, n)],
  ...(['copy', 'copyAsync', 'move', 'moveAsync'] as const).flatMap(
    (name): [string, string, Call][] => [
      [name, 'toOffset', ({ cxl, block }, n) => cxl[name](block, n, block, 50, 1)],
      [name, 'fromOffset', ({ cxl, block }, n) => cxl[name](block, 50, block, n, 1)],
      [name, 'size', ({ cxl, block }, n) => cxl[name](block, 0, block, 50, n)],
    ],
  ),
]

/** Calls by the parameter that is memory of emucxl. */
const ADDRESS_CALLS: [name: string, parameter: string, call: Call][] = [
  ['free', 'address', ({ cxl }, a) => cxl.free(a)],
  ['freeAsync', 'address', ({ cxl }, a) => cxl.freeAsync(a)],
  ['resize', 'address', ({ cxl }, a) => cxl.resize(a, 100)],
  ['resizeAsync', 'address', ({ cxl }, a) => cxl.resizeAsync(a, 100)],
  ['migrate', 'address', ({ cxl }, a) => cxl.migrate(a, 1)],
  ['migrateAsync', 'address', ({ cxl }, a) => cxl.migrateAsync(a, 1)],
  ['isLocal', 'address', ({ cxl }, a) => cxl.isLocal(a)],
  ['nodeOf', 'address', ({ cxl }, a) => cxl.nodeOf(a)],
  ['sizeOf', 'address', ({ cxl }, a) => cxl.sizeOf(a)],
  ['where', 'address', ({ cxl }, a) => cxl.where(a)],
  ['whereAsync', 'address', ({ cxl }, a) => cxl.whereAsync(a)],
  ['share', 'address', ({ cxl }, a) => cxl.share(a)],
  ['read', 'address', ({ cxl, buffer }, a) => cxl.read(a, 0, buffer, 1)],
  ['readAsync', 'address', ({ cxl, buffer }, a) => cxl.readAsync(a, 0, buffer, 1)],
  ['write', 'address', ({ cxl, buffer }, a) => cxl.write(a, 0, buffer, 1)],
  ['writeAsync', 'address', ({ cxl, buffer }, a) => cxl.writeAsync(a, 0, buffer, 1)],
  ['fill', 'address', ({ cxl }, a) => cxl.fill(a, 1)],
  ['fill of a size', 'address', ({ cxl }, a) => cxl.fill(a, 1, 0, 1)],
  ['fillAsync', 'address', ({ cxl }, a) => cxl.fillAsync(a, 1)],
  ...(['copy', 'copyAsync', 'move', 'moveAsync'] as const).flatMap(
    (name): [string, string, Call][] => [
      [name, 'to', ({ cxl, block }, a) => cxl[name](a, 0, block, 0, 1)],
      [name, 'from', ({ cxl, block }, a) => cxl[name](block, 0, a, 0, 1)],
    ],
  ),
]

/** Calls by the parameter that is any memory. */
const BUFFER_CALLS: [name: string, parameter: string, call: Call][] = [
  ['read', 'buffer', ({ cxl, block }, b) => cxl.read(block, 0, b)],
  ['read of a size', 'buffer', ({ cxl, block }, b) => cxl.read(block, 0, b, 1)],
  ['readAsync', 'buffer', ({ cxl, block }, b) => cxl.readAsync(block, 0, b)],
  ['readAsync of no bytes', 'buffer', ({ cxl, block }, b) => cxl.readAsync(block, 0, b, 0)],
  ['write', 'buffer', ({ cxl, block }, b) => cxl.write(block, 0, b)],
  ['write of no bytes', 'buffer', ({ cxl, block }, b) => cxl.write(block, 0, b, 0)],
  ['writeAsync', 'buffer', ({ cxl, block }, b) => cxl.writeAsync(block, 0, b)],
  ['writeAsync of a size', 'buffer', ({ cxl, block }, b) => cxl.writeAsync(block, 0, b, 1)],
]

/** What is no memory, though some of it looks like memory. */
const NO_MEMORY: Record<string, (block: ArrayBuffer) => unknown> = {
  undefined: () => undefined,
  null: () => null,
  '0': () => 0,
  'a string': () => 'address',
  '{}': () => ({}),
  '[]': () => [1, 2, 3],
  'a symbol': () => Symbol('address'),
  'a function': () => () => 1,
  'an object with a byteLength': () => ({ byteLength: 8 }),
  'an object like a view': (block) => ({ buffer: block, byteOffset: 0, byteLength: 8, length: 8 }),
  'a Proxy of the block': (block) => new Proxy(block, {}),
  'a Proxy of a view': (block) => new Proxy(new Uint8Array(block), {}),
  'a revoked Proxy': (block) => {
    const { proxy, revoke } = Proxy.revocable(block, {})
    revoke()
    return proxy
  },
  'an heir of the block': (block) => Object.create(block),
  'an heir of a view': (block) => Object.create(new Uint8Array(block)),
  'the prototype of ArrayBuffer': () => Object.create(ArrayBuffer.prototype),
  'the prototype of SharedArrayBuffer': () => Object.create(SharedArrayBuffer.prototype),
  'a faked SharedArrayBuffer': () =>
    Object.create(SharedArrayBuffer.prototype, { length: { value: 64 } }),
  'the prototype of Uint8Array': () => Object.setPrototypeOf([], Uint8Array.prototype),
  'the prototype of DataView': () => Object.setPrototypeOf({}, DataView.prototype),
  'an object whose getters throw': () =>
    Object.defineProperty({}, 'byteLength', {
      get() {
        throw new Error('the getter was called')
      },
    }),
}

const wasm = (): ArrayBuffer => {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (limits: { initial: number }) => { buffer: ArrayBuffer } }
  }
  return new WebAssembly.Memory({ initial: 1 }).buffer
}

/** Memory that is not emucxl's. */
const NOT_OURS: Record<string, () => unknown> = {
  'a plain ArrayBuffer': () => new ArrayBuffer(100),
  'an empty ArrayBuffer': () => new ArrayBuffer(0),
  'a plain Uint8Array': () => new Uint8Array(100),
  'an empty Uint8Array': () => new Uint8Array(0),
  'a Buffer of the pool': () => Buffer.from('address'),
  'a DataView': () => new DataView(new ArrayBuffer(100), 10),
  'a resizable ArrayBuffer': () => new ArrayBuffer(100, { maxByteLength: 200 }),
  'a resizable ArrayBuffer of no bytes': () => new ArrayBuffer(0, { maxByteLength: 200 }),
  'a view of a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(100)),
  'a WASM memory': wasm,
  'an ArrayBuffer of another realm': () => runInContext('new ArrayBuffer(100)', createContext({})),
  'a Uint8Array of another realm': () => runInContext('new Uint8Array(100)', createContext({})),
  'a view of a copy': () => new Uint8Array(structuredClone(new ArrayBuffer(10))),
}

/** Memory that is gone, made from a block of its own. */
const GONE: Record<string, (cxl: Emucxl) => unknown> = {
  'a freed block': (cxl) => {
    const block = cxl.alloc(100, 0)
    cxl.free(block)
    return block
  },
  'a view of a freed block': (cxl) => {
    const block = cxl.alloc(100, 0)
    const view = new Uint16Array(block, 10, 5)
    cxl.free(block)
    return view
  },
  'a DataView of a freed block': (cxl) => {
    const block = cxl.alloc(100, 0)
    const view = new DataView(block, 10, 5)
    cxl.free(block)
    return view
  },
  'a resized block': (cxl) => {
    const block = cxl.alloc(100, 0)
    cxl.free(cxl.resize(block, 200))
    return block
  },
  'a detached plain buffer': () => {
    const buffer = new ArrayBuffer(100)
    structuredClone(buffer, { transfer: [buffer] })
    return buffer
  },
}

function good({ open }: BackendHere): Good & Disposable & { untouched: Untouched } {
  const cxl = open({ capacity: { local: 2 ** 20, remote: 2 ** 20 } })
  const block = filled(cxl, 100, 0)
  const buffer = new Uint8Array(50).fill(7)
  return {
    cxl,
    block,
    buffer,
    untouched: new Untouched(cxl, block, buffer.buffer),
    [Symbol.dispose]: () => cxl.close(),
  }
}

eachBackend((backend) => {
  describe.for(NUMBER_CALLS)('%s: %s', ([, parameter, call]) => {
    test.for(Object.entries(NUMBERS))('%s', async ([, { value, type }]) => {
      using given = good(backend)
      const wanted = type === 'TypeError' ? typeError : rangeError
      const says = `${parameter} must be `
      await given.untouched.refuses(() => call(given, value as Value), wanted(says))
    })
  })

  test.for(['alloc', 'allocAsync'] as const)('%s of 0 bytes, and of -0', async (name) => {
    using given = good(backend)
    const wanted = rangeError('size must be a whole number of bytes from 1 to 2^53 - 1, not 0')
    await given.untouched.refuses(() => given.cxl[name](0, 0), wanted)
    await given.untouched.refuses(() => given.cxl[name](-0, 0), wanted)
  })

  test.for(['resize', 'resizeAsync'] as const)('%s to 0 bytes', async (name) => {
    using given = good(backend)
    const wanted = rangeError('size must be a whole number of bytes from 1')
    await given.untouched.refuses(() => given.cxl[name](given.block, 0), wanted)
  })

  describe.for([...ADDRESS_CALLS, ...BUFFER_CALLS])('%s: %s', ([, parameter, call]) => {
    test.for(Object.entries(NO_MEMORY))('%s is no memory', async ([, make]) => {
      using given = good(backend)
      const wanted = typeError(`${parameter} must be an ArrayBuffer, a SharedArrayBuffer or a view`)
      const bad = make(given.block) as Value
      await given.untouched.refuses(() => call(given, bad), wanted)
    })
  })

  describe.for(ADDRESS_CALLS)('%s: %s', ([name, parameter, call]) => {
    test.for(Object.entries(NOT_OURS))("%s is not emucxl's", async ([, make]) => {
      using given = good(backend)
      const bad = make() as Value
      const wanted = emucxlError('NOT_ALLOCATED', parameter, 'pass what alloc, resize or attach')
      await given.untouched.refuses(() => call(given, bad), wanted)
    })

    test("a SharedArrayBuffer is not emucxl's", async () => {
      using given = good(backend)
      const error = await failureOf(() => call(given, new SharedArrayBuffer(100) as Value))
      // Node-API of Node.js 20 does not know it.
      const short = Number(process.versions.node.split('.')[0]) < 22
      expectFailure(error, short ? typeError(parameter) : emucxlError('NOT_ALLOCATED', parameter))
    })

    test.for(Object.entries(GONE))('%s is gone', async ([, make]) => {
      using given = good(backend)
      const bad = make(given.cxl) as Value
      const wanted: Wanted = emucxlError('DETACHED', `${parameter} has no memory`, 'freed')
      await given.untouched.refuses(() => call(given, bad), wanted)
    })

    test('a transferred block is gone; what it became is the block', async ({ skip }) => {
      const { transfer } = ArrayBuffer.prototype as {
        transfer?: (this: ArrayBuffer) => ArrayBuffer
      }
      if (transfer === undefined) return skip('Node.js 20 has no ArrayBuffer.prototype.transfer')
      using given = good(backend)
      const block = filled(given.cxl, 100, 0)
      const moved = transfer.call(block)
      const untouched = new Untouched(given.cxl, given.block, moved)
      const wanted = emucxlError('DETACHED', parameter)
      await untouched.refuses(() => call(given, block as Value), wanted)
      if (name === 'share') return
      await call(given, moved as Value)
      await given.cxl.closeAsync()
    })

    test('a block of a context that was closed is gone', async () => {
      using given = good(backend)
      const other = backend.open()
      const block = other.alloc(100, 0)
      other.close()
      const wanted = emucxlError('DETACHED', parameter, 'its context was closed')
      await given.untouched.refuses(() => call(given, block as Value), wanted)
    })
  })

  test('a call with no arguments at all is refused', async () => {
    using given = good(backend)
    const { cxl } = given
    const names = [
      ...['alloc', 'free', 'resize', 'migrate', 'isLocal', 'nodeOf', 'sizeOf', 'where', 'stats'],
      ...['setCapacity', 'share', 'read', 'write', 'fill', 'copy', 'move', 'allocAsync'],
      ...['freeAsync', 'resizeAsync', 'migrateAsync', 'whereAsync', 'readAsync', 'writeAsync'],
      ...['fillAsync', 'copyAsync', 'moveAsync'],
    ]
    for (const name of names) {
      const method = Reflect.get(cxl, name) as () => unknown
      await given.untouched.refuses(() => method.call(cxl), typeError())
    }
    expect(bytesOf(given.block)).toHaveLength(100)
  })
})
