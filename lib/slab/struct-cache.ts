// Structs in slabs: fields are read and written by the ref of the struct.

import { checkOptions, wrongType } from '../memory/arguments.js'
import type { Emucxl } from '../memory/emucxl.js'
import { type AnyStruct, accessors, type Getters, type Place, type Setters } from './accessors.js'
import { INDEX_MASK } from './ref.js'
import { SlabCache, type SlabCacheOptions, slabsOf } from './slab-cache.js'
import type { Slabs } from './slabs.js'
import { type Fields, StructType, type StructValue } from './struct.js'

/** Options of a {@link StructCache}: those of a {@link SlabCache}, but for the size of the objects. */
export type StructCacheOptions = Omit<SlabCacheOptions, 'objectSize'>

/** Where a struct of a cache is, by its ref. */
function placeIn(slabs: Slabs): Place {
  const { shift, mask, stride } = slabs
  return {
    parameters: ['ref'],
    prelude: `
      if (typeof ref !== 'number' || slabs.entries[ref & ${INDEX_MASK}] !== ref) slabs.refuse(ref);
      const view = slabs.views[(ref & ${INDEX_MASK}) >> ${shift}];
      const offset = (ref & ${mask}) * ${stride};`,
    bound: { slabs },
    plus: '',
    find: ([ref]) => {
      if (typeof ref !== 'number' || !slabs.has(ref)) return slabs.refuse(ref)
      return [slabs.viewOf(ref), slabs.offsetOf(ref)]
    },
  }
}

/**
 * Structs of one type in slabs of a node: a {@link SlabCache} whose objects have fields.
 *
 * ```ts
 * const points = new StructCache(cxl, struct({ x: float64, next: ref }), { node: REMOTE_MEMORY })
 * const point = points.create({ x: 1.5, next: NULL_REF })
 * points.set.x(point, points.get.x(point) + 1)
 * ```
 *
 * Errors of all that takes a ref are those of {@link SlabCache}; a value that a field cannot hold is a
 * `TypeError` or a `RangeError`, with nothing written.
 */
export class StructCache<F extends Fields> extends SlabCache {
  readonly type: StructType<F>
  /**
   * Reads one field: `points.get.x(ref)`. What a field of a nested struct is called goes on
   * (`get.pos.x(ref)`); an element of an array is `get.items.at(ref, index)`.
   */
  declare readonly get: Getters<F, [ref: number]>
  /** Writes one field: `points.set.x(ref, value)`. */
  declare readonly set: Setters<F, [ref: number]>

  readonly #load: (ref: number) => StructValue<F>
  readonly #store: (ref: number, value: StructValue<F>) => void

  /** Zeroes what it gives out, unless `options.zero` is false. */
  constructor(cxl: Emucxl, type: StructType<F>, options: StructCacheOptions = {}) {
    if (!(type instanceof StructType)) throw wrongType('type', 'what struct() returned', type)
    checkOptions(options)
    const { zero = true, align = type.align } = options
    super(cxl, { ...options, zero, align, objectSize: type.size })
    this.type = type
    const made = accessors(type as unknown as AnyStruct, placeIn(slabsOf(this)))
    this.get = made.get as typeof this.get
    this.set = made.set as typeof this.set
    this.#load = made.load as typeof this.load
    this.#store = made.store as typeof this.store
  }

  /** All fields, as an object. */
  load(ref: number): StructValue<F> {
    return this.#load(ref)
  }

  /** Writes all fields. Each is checked before the first is written. */
  store(ref: number, value: StructValue<F>): void {
    this.#store(ref, value)
  }

  /**
   * Gives out a struct with these fields: its ref.
   *
   * Errors: as {@link SlabCache.alloc}; for a value that a field cannot hold, as {@link store}.
   */
  create(value: StructValue<F>, node: number = this.node): number {
    const checked = this.type.check(value, 'value')
    const ref = this.alloc(node)
    this.#store(ref, checked)
    return ref
  }
}
