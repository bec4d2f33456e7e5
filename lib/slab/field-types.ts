// The types that fields of a struct and elements of a queue can have, with the size and alignment that
// C gives them (x86-64 and AArch64 Linux agree), little endian.

import { types } from 'node:util'
import { checkBytes, outOfRange, wrongType } from '../memory/arguments.js'

/** Most bytes of one value. */
export const MOST_BYTES = 2 ** 30

/** Checks that a view has so many bytes at an offset. */
export function checkPlace(view: unknown, offset: unknown, size: number): void {
  if (!types.isDataView(view)) throw wrongType('view', 'a DataView', view)
  if (typeof offset !== 'number') throw wrongType('offset', 'a number of bytes', offset)
  if (!(Number.isInteger(offset) && offset >= 0 && offset + size <= view.byteLength)) {
    throw outOfRange('offset', `from 0 to the view's length less ${size}`, offset)
  }
}

/** How values of a type lie in memory. `T` is what they are in JavaScript. */
export abstract class FieldType<T> {
  /** Bytes of a value: C's `sizeof`. */
  readonly size: number
  /** Values begin at multiples of this in a struct: C's `alignof`. */
  readonly align: number

  constructor(size: number, align: number) {
    this.size = size
    this.align = align
  }

  /** Reads the value at an offset in bytes. `RangeError` where the view ends before. */
  abstract load(view: DataView, offset: number): T

  /** Writes what {@link check} returned. */
  abstract put(view: DataView, offset: number, value: T): void

  /**
   * Throws a `TypeError` or a `RangeError` that calls the value `name`, if it cannot be stored. Returns
   * it, with copies of what has code of its own (getters): {@link put} then runs none.
   */
  abstract check(value: unknown, name: string): T

  /** Whether what {@link check} returned may cease to be valid: bytes, whose owner can shrink them. */
  get mayChange(): boolean {
    return false
  }

  /** Whether what {@link check} returned is still valid. Runs no code of its owner. */
  holds(_checked: T): boolean {
    return true
  }

  /** Writes a value, or throws as {@link check} does, with nothing written. */
  store(view: DataView, offset: number, value: T): void {
    const checked = this.check(value, 'value')
    checkPlace(view, offset, this.size)
    this.put(view, offset, checked)
  }
}

/** What a type is in JavaScript: `ValueOf<typeof int32>` is `number`. */
export type ValueOf<F> = F extends FieldType<infer T> ? T : never

interface Plain<T> {
  size: number
  /** In the names of DataView's methods. */
  method: string
  load: (view: DataView, offset: number) => T
  put: (view: DataView, offset: number, value: T) => void
  valid: (value: unknown) => boolean
  /** The same as an expression of JavaScript. */
  test: (value: string) => string
  /** The type in JavaScript, and what values of it are valid. */
  type: 'number' | 'bigint'
  expected: string
}

/** A number, which one method of DataView reads and another one writes. */
export class NumberType<T extends number | bigint> extends FieldType<T> {
  readonly method: string
  /** Whether a value can be stored. */
  readonly valid: (value: unknown) => boolean
  readonly test: (value: string) => string
  readonly load: (view: DataView, offset: number) => T
  readonly put: (view: DataView, offset: number, value: T) => void
  readonly #type: string
  readonly #expected: string

  constructor({ size, method, load, put, valid, test, type, expected }: Plain<T>) {
    super(size, size)
    this.method = method
    this.valid = valid
    this.test = test
    this.load = load
    this.put = put
    this.#type = type
    this.#expected = expected
  }

  check(value: unknown, name: string): T {
    if (this.valid(value)) return value as T
    throw (typeof value === this.#type ? outOfRange : wrongType)(name, this.#expected, value)
  }
}

const isNumber = (value: string): string => `typeof ${value} === 'number'`

/** Whole numbers; `same` is an expression that is equal to those, and to no other number. */
const integer = (least: number, most: number, same: (value: string) => string) => ({
  type: 'number' as const,
  expected: `a whole number from ${least} to ${most}`,
  valid: (value: unknown) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  test: (value: string) => `${isNumber(value)} && (${same(value)}) === ${value}`,
})

const bigInteger = (least: bigint, most: bigint) => ({
  type: 'bigint' as const,
  expected: `a bigint from ${least} to ${most}`,
  valid: (value: unknown) => typeof value === 'bigint' && value >= least && value <= most,
  test: (value: string) =>
    `typeof ${value} === 'bigint' && BigInt.as${least < 0n ? 'Int' : 'Uint'}N(64, ${value}) === ${value}`,
})

const float = {
  type: 'number' as const,
  expected: 'a number',
  valid: (value: unknown) => typeof value === 'number',
  test: isNumber,
}

/** C's `int8_t`. */
export const int8: FieldType<number> = new NumberType({
  ...{ size: 1, method: 'Int8', ...integer(-(2 ** 7), 2 ** 7 - 1, (v) => `(${v} << 24) >> 24`) },
  load: (view, at) => view.getInt8(at),
  put: (view, at, value) => view.setInt8(at, value),
})

/** C's `uint8_t`. */
export const uint8: FieldType<number> = new NumberType({
  ...{ size: 1, method: 'Uint8', ...integer(0, 2 ** 8 - 1, (v) => `${v} & 0xff`) },
  load: (view, at) => view.getUint8(at),
  put: (view, at, value) => view.setUint8(at, value),
})

/** C's `int16_t`. */
export const int16: FieldType<number> = new NumberType({
  ...{ size: 2, method: 'Int16', ...integer(-(2 ** 15), 2 ** 15 - 1, (v) => `(${v} << 16) >> 16`) },
  load: (view, at) => view.getInt16(at, true),
  put: (view, at, value) => view.setInt16(at, value, true),
})

/** C's `uint16_t`. */
export const uint16: FieldType<number> = new NumberType({
  ...{ size: 2, method: 'Uint16', ...integer(0, 2 ** 16 - 1, (v) => `${v} & 0xffff`) },
  load: (view, at) => view.getUint16(at, true),
  put: (view, at, value) => view.setUint16(at, value, true),
})

/** C's `int32_t`. */
export const int32: FieldType<number> = new NumberType({
  ...{ size: 4, method: 'Int32', ...integer(-(2 ** 31), 2 ** 31 - 1, (v) => `${v} | 0`) },
  load: (view, at) => view.getInt32(at, true),
  put: (view, at, value) => view.setInt32(at, value, true),
})

/** C's `uint32_t`. */
export const uint32: FieldType<number> = new NumberType({
  ...{ size: 4, method: 'Uint32', ...integer(0, 2 ** 32 - 1, (v) => `${v} >>> 0`) },
  load: (view, at) => view.getUint32(at, true),
  put: (view, at, value) => view.setUint32(at, value, true),
})

/** C's `int64_t`. */
export const bigint64: FieldType<bigint> = new NumberType({
  ...{ size: 8, method: 'BigInt64', ...bigInteger(-(2n ** 63n), 2n ** 63n - 1n) },
  load: (view, at) => view.getBigInt64(at, true),
  put: (view, at, value) => view.setBigInt64(at, value, true),
})

/** C's `uint64_t`. */
export const biguint64: FieldType<bigint> = new NumberType({
  ...{ size: 8, method: 'BigUint64', ...bigInteger(0n, 2n ** 64n - 1n) },
  load: (view, at) => view.getBigUint64(at, true),
  put: (view, at, value) => view.setBigUint64(at, value, true),
})

/** C's `float`: a number is rounded to the nearest one, as by `Math.fround`. */
export const float32: FieldType<number> = new NumberType({
  ...{ size: 4, method: 'Float32', ...float },
  load: (view, at) => view.getFloat32(at, true),
  put: (view, at, value) => view.setFloat32(at, value, true),
})

/** C's `double`. */
export const float64: FieldType<number> = new NumberType({
  ...{ size: 8, method: 'Float64', ...float },
  load: (view, at) => view.getFloat64(at, true),
  put: (view, at, value) => view.setFloat64(at, value, true),
})

/** The ref of an object of a slab, or `NULL_REF`: in C a `double` that holds a whole number. */
export const ref: FieldType<number> = new NumberType({
  ...{ size: 8, method: 'Float64', type: 'number', expected: 'a ref, or NULL_REF' },
  valid: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
  test: (value) => `Number.isSafeInteger(${value}) && ${value} >= 0`,
  load: (view, at) => view.getFloat64(at, true),
  put: (view, at, value) => view.setFloat64(at, value, true),
})

class BooleanType extends FieldType<boolean> {
  load(view: DataView, offset: number): boolean {
    return view.getUint8(offset) !== 0
  }

  put(view: DataView, offset: number, value: boolean): void {
    view.setUint8(offset, value ? 1 : 0)
  }

  check(value: unknown, name: string): boolean {
    if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value)
    return value
  }
}

/** C's `bool`. */
export const boolean: FieldType<boolean> = new BooleanType(1, 1)

/** The bytes of a place in a view. */
function bytesAt(view: DataView, offset: number, length: number): Buffer {
  checkPlace(view, offset, length)
  return Buffer.from(view.buffer, view.byteOffset + offset, length)
}

function checkRoom(size: number, name: string): void {
  checkBytes(size, name, 1)
  if (size > MOST_BYTES) throw outOfRange(name, 'at most 1 GiB', size)
}

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const lengthOf = Object.getOwnPropertyDescriptor(TypedArray, 'length')?.get as () => unknown

class BytesType extends FieldType<Uint8Array> {
  override get mayChange(): boolean {
    return true
  }

  override holds(checked: Uint8Array): boolean {
    return lengthOf.call(checked) === this.size
  }

  /** A copy. */
  load(view: DataView, offset: number): Uint8Array {
    return new Uint8Array(bytesAt(view, offset, this.size))
  }

  put(view: DataView, offset: number, value: Uint8Array): void {
    bytesAt(view, offset, this.size).set(value)
  }

  check(value: unknown, name: string): Uint8Array {
    if (!types.isUint8Array(value)) throw wrongType(name, 'a Uint8Array', value)
    const length = lengthOf.call(value) as number // it may have a `length` of its own
    if (length !== this.size) {
      throw outOfRange(`${name}.length`, `${this.size}: pad it, or cut it`, length)
    }
    return value
  }
}

/** C's `uint8_t[length]`: a Uint8Array of just this length. Reading it makes a copy. */
export function bytes(length: number): FieldType<Uint8Array> {
  checkRoom(length, 'length')
  return new BytesType(length, 1)
}

class TextType extends FieldType<string> {
  load(view: DataView, offset: number): string {
    const room = bytesAt(view, offset, this.size)
    const end = room.indexOf(0)
    return room.toString('utf8', 0, end < 0 ? this.size : end)
  }

  put(view: DataView, offset: number, value: string): void {
    const room = bytesAt(view, offset, this.size)
    room.fill(0, room.write(value))
  }

  check(value: unknown, name: string): string {
    if (typeof value !== 'string') throw wrongType(name, 'a string', value)
    if (value.includes('\0') || Buffer.from(value).toString() !== value) {
      throw outOfRange(
        name,
        'a string without NUL and lone surrogates, which UTF-8 cannot hold',
        value,
      )
    }
    const length = Buffer.byteLength(value)
    if (length > this.size) {
      throw outOfRange(`${name} (${length} bytes in UTF-8)`, `at most ${this.size} bytes`, value)
    }
    return value
  }
}

/** C's `char[room]`: text in UTF-8 of at most so many bytes, with zeros after it. */
export function utf8(room: number): FieldType<string> {
  checkRoom(room, 'room')
  return new TextType(room, 1)
}

/** See {@link array}. */
export class ArrayType<E extends FieldType<unknown>> extends FieldType<ValueOf<E>[]> {
  readonly element: E
  readonly length: number

  constructor(element: E, length: number) {
    if (!(element instanceof FieldType)) throw wrongType('element', 'a field type', element)
    checkBytes(length, 'length', 1)
    const size = element.size * length
    if (size > MOST_BYTES) {
      throw outOfRange('length', 'such that the array has at most 1 GiB', length)
    }
    super(size, element.align)
    this.element = element
    this.length = length
  }

  override get mayChange(): boolean {
    return this.element.mayChange
  }

  override holds(checked: ValueOf<E>[]): boolean {
    return !this.mayChange || checked.every((value) => this.element.holds(value))
  }

  load(view: DataView, offset: number): ValueOf<E>[] {
    const { element, length } = this
    const values: unknown[] = []
    for (let i = 0; i < length; i++) values.push(element.load(view, offset + i * element.size))
    return values as ValueOf<E>[]
  }

  put(view: DataView, offset: number, values: ValueOf<E>[]): void {
    const { element, length } = this
    for (let i = 0; i < length; i++) element.put(view, offset + i * element.size, values[i])
  }

  check(values: unknown, name: string): ValueOf<E>[] {
    if (!Array.isArray(values)) throw wrongType(name, 'an array', values)
    if (values.length !== this.length) {
      throw outOfRange(`${name}.length`, String(this.length), values.length)
    }
    const copy: unknown[] = []
    for (let i = 0; i < this.length; i++) copy.push(this.element.check(values[i], `${name}[${i}]`))
    return copy as ValueOf<E>[]
  }
}

/**
 * C's `element[length]`: an array of just this length. Reading it as a whole makes an array; its elements
 * can be read and written one by one.
 */
export function array<const E extends FieldType<unknown>>(
  element: E,
  length: number,
): ArrayType<E> {
  return new ArrayType(element, length)
}
