// What the types of structs say. This file is compiled, never run: see ../types.test.ts.

import {
  array,
  bigint64,
  boolean,
  bytes,
  Emucxl,
  float64,
  NULL_REF,
  ref,
  StructCache,
  type StructValue,
  struct,
  uint32,
  utf8,
  type ValueOf,
} from 'emucxl'
import { SlabCache } from 'emucxl/slab'
import { expectTypeOf } from 'vitest'

const Point = struct({
  id: uint32,
  x: float64,
  name: bytes(16),
  title: utf8(8),
  big: bigint64,
  on: boolean,
  next: ref,
  pos: struct({ left: float64, length: uint32 }),
  items: array(struct({ weight: float64 }), 4),
})

type Wanted = {
  id: number
  x: number
  name: Uint8Array
  title: string
  big: bigint
  on: boolean
  next: number
  pos: { left: number; length: number }
  items: { weight: number }[]
}
expectTypeOf<ValueOf<typeof Point>>().toEqualTypeOf<Wanted>()
expectTypeOf<StructValue<(typeof Point)['fields']>>().toEqualTypeOf<Wanted>()
declare const value: Wanted

export const Exported = struct({ items: array(struct({ weight: float64 }), 4) })
using cxl = Emucxl.open()
export const getters = new StructCache(cxl, Exported).get.items
using points = new StructCache(cxl, Point, { node: 1 })
const point = points.create(value)
expectTypeOf(point).toBeNumber()
expectTypeOf(points.get.name(point)).toEqualTypeOf<Uint8Array>()
expectTypeOf(points.get.title(point)).toBeString()
expectTypeOf(points.get.pos(point)).toEqualTypeOf<Wanted['pos']>()
expectTypeOf(points.get.pos.length(point)).toBeNumber()
expectTypeOf(points.get.items.at(point, 3)).toEqualTypeOf<{ weight: number }>()
expectTypeOf(points.get.items.at.weight(point, 3)).toBeNumber()
expectTypeOf(Point.offsets.items).toBeNumber()
expectTypeOf(points).toExtend<SlabCache>()
points.set.pos.left(point, 2)
points.set.items.at(point, 1, { weight: 3 })
points.set.items.at.weight(point, 1, 3)
points.set.next(point, NULL_REF)
const view = new DataView(new ArrayBuffer(Point.size))
Point.set.big(view, 0, 1n)
expectTypeOf(Point.get.big(view, 0)).toBeBigInt()
expectTypeOf(Point.load(view, 0)).toEqualTypeOf<Wanted>()

// @ts-expect-error no such field
points.get.y(point)
// @ts-expect-error a number, not a string
points.set.id(point, '1')
// @ts-expect-error the value is missing
points.set.id(point)
// @ts-expect-error a bigint
points.set.big(point, 1)
// @ts-expect-error bytes are a Uint8Array
points.get.name(point).toLowerCase()
// @ts-expect-error fields are missing
points.create({ id: 1 })
// @ts-expect-error the index is missing
points.get.items.at(point)
// @ts-expect-error no offset of what is no field
Point.offsets.y
// @ts-expect-error fields are field types
struct({ id: 5 })
// @ts-expect-error an object of a struct has the size of the struct
new StructCache(cxl, Point, { objectSize: 5 })
// @ts-expect-error a slab cache has no fields
SlabCache.prototype.get
