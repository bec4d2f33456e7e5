// Structs on plain memory: what is written is read, nothing beside it changes, and what a field cannot
// hold is refused before anything is written. All of it with accessors that are compiled, and with those
// for a process that may not compile text.

import {
  array,
  bigint64,
  biguint64,
  boolean,
  bytes,
  float32,
  float64,
  int8,
  int32,
  ref,
  struct,
  uint8,
  uint32,
  utf8,
} from 'emucxl'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'
import { forbidCompiling } from './forbid-compiling.js'
import { anyStruct, type Sample } from './random-structs.js'

afterEach(() => vi.unstubAllGlobals())

type Call = (...args: unknown[]) => unknown
type Tree = Call & Record<string, Call>

/** Reads all parts of a value through the accessors of its fields. */
function readParts(sample: Sample, get: Tree, ...at: unknown[]): unknown {
  if ('fields' in sample) {
    const fields = sample.fields as [string, Sample][]
    return Object.fromEntries(
      fields.map(([name, field]) => [name, readParts(field, get[name] as Tree, ...at)]),
    )
  }
  return get(...at)
}

const GUARD = 8

for (const compiled of [true, false]) {
  describe(compiled ? 'compiled accessors' : 'accessors that walk', () => {
    test('what is stored is loaded, whole and by field, and nothing else changes', () => {
      if (!compiled) forbidCompiling()
      const withValues = anyStruct.chain((sample) =>
        fc.tuple(fc.constant(sample), sample.values, sample.values),
      )
      fc.assert(
        fc.property(withValues, ([sample, first, second]) => {
          const type = struct({ ...sample.type.fields })
          const memory = new Uint8Array(type.size + 2 * GUARD).fill(0xa5)
          const view = new DataView(memory.buffer)
          type.store(view, GUARD, first as never)
          expect(type.load(view, GUARD)).toEqual(first)
          expect(readParts(sample, type.get as never, view, GUARD)).toEqual(first)
          for (const [name] of sample.fields) {
            const value = (second as Record<string, unknown>)[name]
            const set = type.set as unknown as Record<string, Call>
            set[name]?.(view, GUARD, value)
          }
          expect(type.load(view, GUARD)).toEqual(second)
          for (const at of [0, GUARD + type.size]) {
            expect([...memory.subarray(at, at + GUARD)]).toEqual(new Array(GUARD).fill(0xa5))
          }
        }),
        { numRuns: 200 },
      )
    })

    test('fields of structs in arrays in structs are read and written one by one', () => {
      if (!compiled) forbidCompiling()
      const type = struct({
        id: uint8,
        rows: array(struct({ name: int32, length: array(uint32, 3) }), 2),
      })
      const view = new DataView(new ArrayBuffer(type.size))
      type.set.rows.at.name(view, 0, 1, -7)
      type.set.rows.at.length.at(view, 0, 1, 2, 9)
      expect(type.get.rows.at.name(view, 0, 1)).toBe(-7)
      expect(type.get.rows.at.length.at(view, 0, 1, 2)).toBe(9)
      expect(type.get.rows.at.length(view, 0, 1)).toEqual([0, 0, 9])
      expect(type.load(view, 0)).toEqual({
        id: 0,
        rows: [
          { name: 0, length: [0, 0, 0] },
          { name: -7, length: [0, 0, 9] },
        ],
      })
      for (const index of [-1, 2, 0.5, Number.NaN, 2 ** 53]) {
        expect(() => type.get.rows.at.name(view, 0, index)).toThrow(RangeError)
        expect(() => type.set.rows.at.name(view, 0, index, 1)).toThrow(/^index must be/)
      }
      expect(() => type.get.rows.at.name(view, 0, '1' as never)).toThrow(TypeError)
    })

    test('no name of a field is taken for code', () => {
      if (!compiled) forbidCompiling()
      const names = ['"', "'", '`$', '\\', '\n', '\u2028', '"]; throw 1; //', '*/', '\ud800', '']
      const type = struct(Object.fromEntries(names.map((name) => [name, int32])))
      const view = new DataView(new ArrayBuffer(type.size))
      const value = Object.fromEntries(names.map((name, i) => [name, i]))
      type.store(view, 0, value)
      expect(type.load(view, 0)).toEqual(value)
      for (const [i, name] of names.entries()) {
        type.set[name]?.(view, 0, i + 100)
        expect(type.get[name]?.(view, 0)).toBe(i + 100)
        const wrong = () => type.store(view, 0, { ...value, [name]: -(2 ** 40) })
        expect(wrong).toThrow(`value.${name} must be`)
      }
    })

    test('nothing is written of bytes that shrink while later fields are read', () => {
      if (!compiled) forbidCompiling()
      const Inner = struct({ data: bytes(8), list: array(bytes(4), 2) })
      const Shape = struct({ first: uint8, inner: Inner, rows: array(Inner, 1), last: uint8 })
      const view = new DataView(new ArrayBuffer(Shape.size))
      const inner = () => ({
        data: new Uint8Array(8).fill(1),
        list: [new Uint8Array(4), new Uint8Array(4)],
      })
      type Value = { inner: ReturnType<typeof inner>; rows: ReturnType<typeof inner>[] }
      for (const place of [
        (value: Value) => value.inner.data,
        (value: Value) => value.inner.list[1] as Uint8Array,
        (value: Value) => value.rows[0]?.list[0] as Uint8Array,
      ]) {
        const value = {
          first: 9,
          inner: inner(),
          rows: [inner()],
          get last() {
            structuredClone(0, { transfer: [place(value).buffer as ArrayBuffer] })
            return 1
          },
        }
        expect(() => Shape.store(view, 0, value)).toThrow(RangeError)
        expect(new Uint8Array(view.buffer).every((byte) => byte === 0)).toBe(true)
      }
    })

    test('structs with very many fields', () => {
      if (!compiled) forbidCompiling()
      const names = Array.from({ length: 5000 }, (_, i) => `f${i}`)
      const Wide = struct(Object.fromEntries(names.map((name) => [name, uint8])))
      const value = Object.fromEntries(names.map((name, i) => [name, i & 0xff]))
      const view = new DataView(new ArrayBuffer(Wide.size))
      Wide.store(view, 0, value)
      expect(Wide.load(view, 0)).toEqual(value)
      expect(() => Wide.store(view, 0, { ...value, f4321: 256 })).toThrow(/value\.f4321 must be/)
    })

    test('nothing is written when one field is wrong', () => {
      if (!compiled) forbidCompiling()
      const type = struct({ a: int32, b: struct({ c: uint8, d: utf8(4) }) })
      const view = new DataView(new ArrayBuffer(type.size))
      const store = (value: object) => () => type.store(view, 0, value as never)
      expect(store({ a: 1, b: { c: 2, d: 'fünf' } })).toThrow(/^value\.b\.d \(5 bytes in UTF-8\)/)
      expect(store({ a: 1, b: { c: 256, d: '' } })).toThrow(/^value\.b\.c must be a whole number/)
      expect(store({ a: 1, b: undefined })).toThrow(/^value\.b must be an object/)
      expect(store({ b: { c: 2, d: '' } })).toThrow(/^value\.a must be/)
      expect(store(null as never)).toThrow(/^value must be an object/)
      expect(new Uint8Array(view.buffer).every((byte) => byte === 0)).toBe(true)
    })
  })
}

describe('values that a type cannot hold are refused', () => {
  test.for([
    [int8, 128, rangeError('value', '-128 to 127')],
    [int8, 0.5, rangeError('value')],
    [int8, Number.NaN, rangeError('value')],
    [int8, '1', typeError('value')],
    [uint8, -1, rangeError('value')],
    [int32, 2 ** 31, rangeError('value')],
    [uint32, 2 ** 32, rangeError('value')],
    [uint32, 1n, typeError('value')],
    [bigint64, 2n ** 63n, rangeError('value')],
    [bigint64, 1, typeError('value')],
    [biguint64, -1n, rangeError('value')],
    [float32, '1', typeError('value')],
    [float64, null, typeError('value')],
    [boolean, 1, typeError('value')],
    [ref, -1, rangeError('value')],
    [ref, 0.5, rangeError('value')],
    [ref, '1', typeError('value')],
    [bytes(3), new Uint8Array(2), rangeError('value.length', '3')],
    [bytes(3), [1, 2, 3], typeError('value')],
    [bytes(3), new Int8Array(3), typeError('value')],
    [utf8(3), 'abcd', rangeError('value', '3 bytes')],
    [utf8(3), 'a\0', rangeError('value', 'NUL')],
    [utf8(8), '\ud800', rangeError('value', 'surrogates')],
    [utf8(3), 5, typeError('value')],
    [array(int8, 2), [1], rangeError('value.length', '2')],
    [array(int8, 2), [1, 200], rangeError('value[1]')],
    [array(int8, 2), { length: 2 }, typeError('value')],
  ] as const)('%#', async ([type, value, wanted]) => {
    const view = new DataView(new ArrayBuffer(16))
    expectFailure(await failureOf(() => type.store(view, 0, value as never)), wanted as never)
    expect(new Uint8Array(view.buffer).every((byte) => byte === 0)).toBe(true)
  })

  test('and so are places that a view does not have', () => {
    const view = new DataView(new ArrayBuffer(16), 0, 8)
    for (const type of [int32, bytes(4), utf8(4), struct({ a: int32 }), array(int8, 4)]) {
      for (const offset of [5, -1, 2 ** 53]) {
        expect(() => type.load(view, offset)).toThrow(RangeError)
      }
    }
  })
})

test('half a value is not written at the end of a view', () => {
  const type = struct({ a: int32, b: int32 })
  const view = new DataView(new ArrayBuffer(16))
  for (const offset of [12, -4, 0.5, Number.NaN, 2 ** 53]) {
    expect(() => type.store(view, offset, { a: 77, b: 88 })).toThrow(/^offset must be/)
    expect(() => array(int32, 2).store(view, offset, [77, 88])).toThrow(/^offset must be/)
  }
  expect(() => type.store({} as never, 0, { a: 1, b: 2 })).toThrow(/^view must be/)
  expect(new Uint8Array(view.buffer).every((byte) => byte === 0)).toBe(true)
})

test('fields are read once, and do not change', () => {
  let reads = 0
  const type = struct({
    get a() {
      return reads++ === 0 ? int8 : bytes(64)
    },
  })
  expect([type.size, type.fields.a === int8]).toEqual([1, true])
  expect(() => Object.assign(type.fields, { a: bytes(64) })).toThrow(TypeError)
  expect(() => Object.assign(type.offsets, { a: 5 })).toThrow(TypeError)
})

test('values are read once', () => {
  const view = new DataView(new ArrayBuffer(64))
  let reads = 0
  const flipping = [1, 2, 3]
  Object.defineProperty(flipping, 1, { get: () => (reads++ === 0 ? 2 : 'nonsense') })
  array(int32, 3).store(view, 0, flipping)
  expect(array(int32, 3).load(view, 0)).toEqual([1, 2, 3])
  const long = Object.defineProperty(new Uint8Array(8), 'length', { value: 4 })
  expect(() => bytes(4).store(view, 0, long)).toThrow(/^value.length must be 4/)
})

describe('what is no struct is refused', () => {
  test.for([
    [() => struct({}), rangeError('fields')],
    [() => struct(null as never), typeError('fields')],
    [() => struct({ a: 5 } as never), typeError('fields.a')],
    [() => struct({ ['__proto__']: int8 }), rangeError('fields', '__proto__')],
    [() => struct({ b: int8, 1: int32 }), rangeError('fields', 'numbers')],
    [() => struct({ a: bytes(2 ** 30), b: int8 }), rangeError('fields', '1 GiB')],
    [() => bytes(0), rangeError('length')],
    [() => bytes(-1), rangeError('length')],
    [() => bytes(2 ** 31), rangeError('length')],
    [() => bytes('4' as never), typeError('length')],
    [() => utf8(Number.NaN), rangeError('room')],
    [() => array(int8, 0), rangeError('length')],
    [() => array(bytes(1024), 2 ** 30), rangeError('length')],
    [() => array(5 as never, 1), typeError('element')],
  ] as const)('%#', async ([call, wanted]) => {
    expectFailure(await failureOf(call), wanted as never)
  })
})
