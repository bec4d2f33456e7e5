// Structs: named fields, laid out in memory as C does it.

import { outOfRange, wrongType } from '../memory/arguments.js'
import {
  type Accessors,
  type AnyStruct,
  accessors,
  type Getters,
  type Setters,
} from './accessors.js'
import { checkPlace, FieldType, MOST_BYTES, type ValueOf } from './field-types.js'
import { roundUp } from './shape.js'

/** The fields of a struct by name, in the order in which they lie in memory. */
export type Fields = Readonly<Record<string, FieldType<unknown>>>

/** What a whole struct is in JavaScript. */
export type StructValue<F extends Fields> = { -readonly [K in keyof F]: ValueOf<F[K]> }

/** Checks fields, and places each at the next multiple of its alignment. */
function layOut(fields: Fields): { offsets: Record<string, number>; size: number; align: number } {
  const offsets: Record<string, number> = {}
  let end = 0
  let align = 1
  for (const [name, type] of Object.entries(fields)) {
    if (!(type instanceof FieldType)) {
      throw wrongType(`fields.${name}`, 'a field type, as int32 or bytes(16)', type)
    }
    // JavaScript moves names that are numbers to the front.
    if (name === '__proto__' || /^\d+$/.test(name)) {
      throw outOfRange('fields', 'without names that are numbers, or __proto__', name)
    }
    const offset = roundUp(end, type.align)
    offsets[name] = offset
    end = offset + type.size
    align = Math.max(align, type.align)
  }
  if (end === 0) throw outOfRange('fields', 'at least one field', 0)
  if (end > MOST_BYTES) throw outOfRange('fields', 'at most 1 GiB altogether', end)
  return { offsets, size: roundUp(end, align), align }
}

/** See {@link struct}. */
export class StructType<F extends Fields> extends FieldType<StructValue<F>> {
  readonly fields: F
  /** Where each field begins, in bytes: C's `offsetof`. */
  readonly offsets: { readonly [K in keyof F]: number }

  /**
   * Reads one field: `Point.get.x(view, offset)`. What a field of a nested struct is called goes on
   * (`get.pos.x`), an element of an array is `get.items.at(view, offset, index)`.
   */
  declare readonly get: Getters<F, [view: DataView, offset: number]>
  /** Writes one field: `Point.set.x(view, offset, value)`. Errors: as {@link FieldType.check}. */
  declare readonly set: Setters<F, [view: DataView, offset: number]>

  readonly #made: Accessors

  constructor(fields: F) {
    if (typeof fields !== 'object' || fields === null) {
      throw wrongType('fields', 'an object', fields)
    }
    const own = Object.freeze({ ...fields })
    const { offsets, size, align } = layOut(own)
    super(size, align)
    this.fields = own
    this.offsets = Object.freeze(offsets) as typeof this.offsets
    this.#made = accessors(this as unknown as AnyStruct)
    const { get, set } = this.#made
    // Each struct has a class of its own: where V8 knows that, it knows what is in its prototype.
    Object.defineProperties(new.target.prototype, {
      get: { value: get, configurable: true },
      set: { value: set, configurable: true },
    })
  }

  override get mayChange(): boolean {
    return Object.values(this.fields).some((type) => type.mayChange)
  }

  override holds(checked: StructValue<F>): boolean {
    return Object.entries(this.fields).every(([name, type]) => type.holds(checked[name]))
  }

  /** All fields, as an object. */
  load(view: DataView, offset: number): StructValue<F> {
    return this.#made.load(view as never, offset as never) as StructValue<F>
  }

  put(view: DataView, offset: number, value: StructValue<F>): void {
    this.#made.store(view as never, offset as never, value as never)
  }

  check(value: unknown, name: string): StructValue<F> {
    return this.#made.check(value, name) as StructValue<F>
  }

  /** Writes all fields. Each is checked before the first is written. */
  override store(view: DataView, offset: number, value: StructValue<F>): void {
    checkPlace(view, offset, this.size)
    this.#made.store(view as never, offset as never, value as never)
  }
}

/**
 * A struct with these fields, laid out as C does it: each at the next multiple of its alignment, the whole
 * rounded up to a multiple of the largest. Little endian.
 *
 * ```ts
 * const Point = struct({ id: uint32, x: float64, name: utf8(16), next: ref })
 * ```
 *
 * Throws a `TypeError` for a field that is no field type, a `RangeError` where there is none.
 */
export function struct<const F extends Fields>(fields: F): StructType<F> {
  return new (class Struct extends StructType<F> {})(fields)
}
