// read, write, fill, copy and move, and their twins off the main thread: offsets, views, lengths.

import { createContext, runInContext } from 'node:vm'
import type { Emucxl } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { eachBackend } from './each-backend.js'
import {
  emucxlError,
  expectBytes,
  filled,
  pattern,
  rangeError,
  typeError,
  Untouched,
} from './refusal.js'

const MIB = 2 ** 20
const PAGE = 4096

type Calls = Pick<Emucxl, 'read' | 'write' | 'fill' | 'copy' | 'move'>
type AnyCalls = { [K in keyof Calls]: (...a: Parameters<Calls[K]>) => void | Promise<void> }

/** The methods, and their twins, which take the same arguments and then options. */
const MANNERS: [string, (cxl: Emucxl) => AnyCalls][] = [
  ['in this thread', (cxl) => cxl],
  [
    'off the main thread',
    (cxl) => ({
      read: (...a) => cxl.readAsync(...a),
      write: (...a) => cxl.writeAsync(...a),
      fill: (...a) => cxl.fillAsync(...a),
      copy: (...a) => cxl.copyAsync(...a),
      move: (...a) => cxl.moveAsync(...a),
    }),
  ],
]

/** Memory of JavaScript that is no emucxl's, 1000 bytes each. */
const FOREIGN: [string, () => ArrayBufferLike | ArrayBufferView][] = [
  ['an ArrayBuffer', () => new ArrayBuffer(1000)],
  ['a Uint8Array', () => new Uint8Array(1000)],
  ['a view with an offset', () => new Uint8Array(new ArrayBuffer(3000), 777, 1000)],
  ['a Float64Array', () => new Float64Array(new ArrayBuffer(2000), 80, 125)],
  ['a DataView', () => new DataView(new ArrayBuffer(1010), 3, 1000)],
  ['a Buffer of the pool', () => Buffer.from(pattern(1000, 9))],
  ['a resizable ArrayBuffer', () => new ArrayBuffer(1000, { maxByteLength: 5000 })],
  [
    'a view that follows a resizable ArrayBuffer',
    () => new Uint8Array(new ArrayBuffer(1200, { maxByteLength: 5000 }), 200),
  ],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(1000)],
  ['a view of a SharedArrayBuffer', () => new Uint8Array(new SharedArrayBuffer(1500), 500)],
  ['a growable SharedArrayBuffer', () => new SharedArrayBuffer(1000, { maxByteLength: 5000 })],
  [
    'a SharedArrayBuffer of another realm',
    () => runInContext('new SharedArrayBuffer(1000)', createContext({})),
  ],
  [
    'an ArrayBuffer of another realm',
    () => runInContext('new ArrayBuffer(1000)', createContext({})),
  ],
  ['a Uint16Array of another realm', () => runInContext('new Uint16Array(500)', createContext({}))],
]

const view = (memory: ArrayBufferLike | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(memory)
    ? new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
    : new Uint8Array(memory)

eachBackend(({ open }) => {
  describe.for(MANNERS)('%s', ([, callsOf]) => {
    test.for(FOREIGN)('write from and read to %s', async ([, make]) => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 5000, 1)
      const [from, to] = [make(), make()]
      view(from).set(pattern(1000, 2))
      await calls.write(block, 1234, from)
      const wanted = pattern(5000)
      wanted.set(pattern(1000, 2), 1234)
      expectBytes(block, wanted)
      await calls.read(block, 1000, to)
      expect(view(to)).toEqual(wanted.subarray(1000, 2000))
      await calls.read(block, 0, to, 10)
      expect(view(to)).toEqual(
        Uint8Array.from([...wanted.subarray(0, 10), ...wanted.subarray(1010, 2000)]),
      )
    })

    test('offsets count from the start of a view of the block', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = cxl.alloc(1000, 0)
      await calls.write(new Uint8Array(block, 100, 50), 10, Uint8Array.of(1, 2, 3))
      await calls.fill(new DataView(block, 200, 4), 7)
      await calls.copy(new Uint16Array(block, 300, 5), 2, new Uint8Array(block, 110), 0, 3)
      await calls.move(new Float64Array(block, 400), 5, new DataView(block, 200), 1, 2)
      const wanted = new Uint8Array(1000)
      wanted.set([1, 2, 3], 110)
      wanted.fill(7, 200, 204)
      wanted.set([1, 2, 3], 302)
      wanted.set([7, 7], 405)
      expectBytes(block, wanted)
      const read = new Uint8Array(3)
      await calls.read(new Uint8Array(block, 105), 5, read)
      expect([...read]).toEqual([1, 2, 3])
    })

    test('read and write between two blocks, and inside one', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const [one, two] = [filled(cxl, 3000, 0), cxl.alloc(2000, 1)]
      await calls.read(one, 500, two)
      expectBytes(two, pattern(3000).subarray(500, 2500))
      await calls.write(one, 100, new Uint8Array(one, 0, 1000))
      const wanted = pattern(3000)
      wanted.copyWithin(100, 0, 1000)
      expectBytes(one, wanted)
    })

    test.for([
      [0, 0],
      [255, 255],
      [-1, 255],
      [170, 170],
    ])('fill with %i', async ([value = 0, byte]) => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 300, 0)
      await calls.fill(block, value, 10, 20)
      const wanted = pattern(300).fill(byte as number, 10, 30)
      expectBytes(block, wanted)
      await calls.fill(block, value, 290)
      expectBytes(block, wanted.fill(byte as number, 290))
      await calls.fill(block, value)
      expectBytes(block, wanted.fill(byte as number))
    })

    test('no bytes are no error, where the offset is inside or at the end', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 100, 0)
      await calls.read(block, 100, new Uint8Array(0))
      await calls.write(block, 100, new ArrayBuffer(0))
      await calls.fill(block, 1, 100)
      await calls.fill(block, 1, 50, 0)
      await calls.copy(block, 100, block, 0, 0)
      await calls.move(block, 0, block, 100, 0)
      await calls.read(block, 0, new Uint8Array(5), 0)
      expectBytes(block, pattern(100))
    })

    test('move inside a block, over itself, in both directions', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      for (const [to, from, size] of [
        [0, 10, 500],
        [10, 0, 500],
        [3, 4, 4000],
        [4, 3, 4000],
        [7, 7, 100],
      ] as const) {
        const block = filled(cxl, PAGE, 1)
        await calls.move(block, to, block, from, size)
        expectBytes(block, pattern(PAGE).copyWithin(to, from, from + size))
      }
    })

    test('copy refuses what overlaps, and takes what only touches', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 1000, 0)
      const untouched = new Untouched(cxl, block)
      const wanted = rangeError('to and from overlap: use move')
      await untouched.refuses(() => calls.copy(block, 0, block, 99, 100), wanted)
      await untouched.refuses(() => calls.copy(block, 99, block, 0, 100), wanted)
      await untouched.refuses(() => calls.copy(new Uint8Array(block, 50), 0, block, 50, 1), wanted)
      await calls.copy(block, 0, block, 100, 100)
      await calls.copy(block, 300, block, 200, 100)
      const bytes = pattern(1000)
      bytes.copyWithin(0, 100, 200).copyWithin(300, 200, 300)
      expectBytes(block, bytes)
    })

    test.for([MIB - 1, MIB, MIB + 1, 3 * MIB + 17, 17 * MIB + 3])(
      '%i bytes arrive whole',
      async (size) => {
        using cxl = open()
        const calls = callsOf(cxl)
        const bytes = Buffer.from(pattern(size, 3))
        const [one, two] = [cxl.alloc(size + 100, 0), cxl.alloc(size, 1)]
        await calls.write(one, 50, bytes)
        const back = Buffer.alloc(size)
        await calls.read(one, 50, back)
        expect(back.equals(bytes)).toBe(true)
        await calls.copy(two, 0, one, 50, size)
        expect(Buffer.from(two).equals(bytes)).toBe(true)
        await calls.move(one, 100, one, 50, size)
        expect(Buffer.from(one, 100).equals(bytes)).toBe(true)
        await calls.move(one, 0, one, 100, size)
        expect(Buffer.from(one, 0, size).equals(bytes)).toBe(true)
        await calls.fill(two, 9, 1)
        expect(Buffer.from(two, 1).equals(Buffer.alloc(size - 1, 9))).toBe(true)
      },
    )

    test('what is not inside is refused, and nothing is written', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 1000, 0)
      const buffer = new Uint8Array(100).fill(5)
      const part = new Uint8Array(block, 900)
      const untouched = new Untouched(cxl, block, buffer.buffer)
      const inBlock = rangeError('address has 1000 bytes', 'not inside')
      const inPart = rangeError('address has 100 bytes', 'not inside')
      const inBuffer = rangeError('buffer has 100 bytes', '101 bytes from offset 0')
      await untouched.refuses(() => calls.read(block, 901, buffer), inBlock)
      await untouched.refuses(() => calls.read(block, 1001, buffer, 0), inBlock)
      await untouched.refuses(() => calls.read(block, 2 ** 53 - 1, buffer, 1), inBlock)
      await untouched.refuses(() => calls.read(block, 0, buffer, 101), inBuffer)
      await untouched.refuses(() => calls.read(part, 1, buffer), inPart)
      await untouched.refuses(() => calls.write(block, 901, buffer), inBlock)
      await untouched.refuses(() => calls.write(block, 0, buffer, 101), inBuffer)
      await untouched.refuses(() => calls.write(part, 0, buffer, 2 ** 53 - 1), inPart)
      await untouched.refuses(() => calls.fill(block, 1, 1, 1000), inBlock)
      await untouched.refuses(() => calls.fill(block, 1, 1001), inBlock)
      await untouched.refuses(() => calls.fill(part, 1, 0, 101), inPart)
      const to = rangeError('to has 1000 bytes')
      const from = rangeError('from has 1000 bytes')
      await untouched.refuses(() => calls.copy(block, 990, block, 0, 11), to)
      await untouched.refuses(() => calls.copy(block, 0, block, 990, 11), from)
      await untouched.refuses(() => calls.move(block, 1001, block, 0, 0), to)
      await untouched.refuses(() => calls.move(block, 0, block, 1001, 0), from)
    })

    test('an out-of-bounds view of a resizable buffer has no bytes', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 100, 0)
      const resizable = new ArrayBuffer(100, { maxByteLength: 200 })
      const bytes = new Uint8Array(resizable, 50, 50)
      const data = new DataView(resizable, 50)
      resizable.resize(10)
      const untouched = new Untouched(cxl, block)
      for (const outside of [bytes, data]) {
        await calls.read(block, 0, outside)
        await calls.write(block, 0, outside)
        const wanted = rangeError('buffer has 0 bytes')
        await untouched.refuses(() => calls.read(block, 0, outside, 1), wanted)
        await untouched.refuses(() => calls.write(block, 0, outside, 1), wanted)
      }
    })

    test('a detached buffer of JavaScript is told of, also where no size is asked for', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 100, 0)
      const gone = new ArrayBuffer(100)
      const views = [new Uint8Array(gone), new DataView(gone), gone]
      structuredClone(gone, { transfer: [gone] })
      const untouched = new Untouched(cxl, block)
      for (const memory of views) {
        const wanted = emucxlError('DETACHED', 'buffer has no memory')
        await untouched.refuses(() => calls.read(block, 0, memory), wanted)
        await untouched.refuses(() => calls.write(block, 0, memory), wanted)
        await untouched.refuses(() => calls.read(block, 0, memory, 1), wanted)
        await untouched.refuses(() => calls.write(block, 0, memory, 1), wanted)
      }
    })

    test('a freed block is no source and no target', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const [block, gone] = [filled(cxl, 100, 0), cxl.alloc(100, 0)]
      const [bytes, data] = [new Uint8Array(gone), new DataView(gone)]
      cxl.free(gone)
      const untouched = new Untouched(cxl, block)
      const detached = (name: string) => emucxlError('DETACHED', `${name} has no memory`)
      for (const memory of [gone, bytes, data]) {
        await untouched.refuses(() => calls.fill(memory, 1), detached('address'))
        await untouched.refuses(() => calls.read(memory, 0, new Uint8Array(1)), detached('address'))
        await untouched.refuses(() => calls.copy(memory, 0, block, 0, 0), detached('to'))
        await untouched.refuses(() => calls.copy(block, 0, memory, 0, 0), detached('from'))
        await untouched.refuses(() => calls.move(memory, 0, block, 0, 0), detached('to'))
        await untouched.refuses(() => calls.read(block, 0, memory, 1), detached('buffer'))
        await untouched.refuses(() => calls.write(block, 0, memory, 1), detached('buffer'))
      }
    })

    test('a freed shared block is no buffer either', async () => {
      using cxl = open()
      const calls = callsOf(cxl)
      const block = filled(cxl, 100, 0)
      const shared = cxl.alloc(100, 0, { shared: true })
      const other = cxl.alloc(50, 0)
      cxl.free(shared)
      if (shared.byteLength === 0) return // Node.js 20: an ArrayBuffer, detached
      const untouched = new Untouched(cxl, block, other)
      const wanted = emucxlError('FREED', 'buffer was freed')
      await untouched.refuses(() => calls.read(block, 0, shared), wanted)
      await untouched.refuses(() => calls.write(block, 0, new Uint8Array(shared)), wanted)
    })

    test.for([
      [256, rangeError('value must be a byte from 0 to 255, or -1, not 256')],
      [-2, rangeError('value')],
      [1.5, rangeError('value')],
      [Number.NaN, rangeError('value')],
      [Number.POSITIVE_INFINITY, rangeError('value')],
      ['1', typeError("value must be a number, not '1'")],
      [null, typeError('value')],
      [undefined, typeError('value')],
      [1n, typeError('value')],
    ] as const)('fill with %s is refused', async ([value, wanted]) => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const call = () => callsOf(cxl).fill(block, value as number)
      await new Untouched(cxl, block).refuses(call, wanted)
    })
  })
})
