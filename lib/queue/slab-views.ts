// Views of the slabs that queues have their elements in.

/** Views of one slab, named as DataView's methods are. Elements are aligned, and Linux is little endian. */
export class SlabViews {
  readonly data: DataView<ArrayBuffer>
  readonly Int8: Int8Array
  readonly Uint8: Uint8Array
  readonly Int16: Int16Array
  readonly Uint16: Uint16Array
  readonly Int32: Int32Array
  readonly Uint32: Uint32Array
  readonly Float32: Float32Array
  readonly Float64: Float64Array
  readonly BigInt64: BigInt64Array
  readonly BigUint64: BigUint64Array

  constructor(data: DataView<ArrayBuffer>) {
    const { buffer, byteLength } = data
    const eighths = byteLength >> 3
    this.data = data
    this.Int8 = new Int8Array(buffer)
    this.Uint8 = new Uint8Array(buffer)
    this.Int16 = new Int16Array(buffer, 0, byteLength >> 1)
    this.Uint16 = new Uint16Array(buffer, 0, byteLength >> 1)
    this.Int32 = new Int32Array(buffer, 0, byteLength >> 2)
    this.Uint32 = new Uint32Array(buffer, 0, byteLength >> 2)
    this.Float32 = new Float32Array(buffer, 0, byteLength >> 2)
    this.Float64 = new Float64Array(buffer, 0, eighths)
    this.BigInt64 = new BigInt64Array(buffer, 0, eighths)
    this.BigUint64 = new BigUint64Array(buffer, 0, eighths)
  }
}

const known = new WeakMap<DataView<ArrayBuffer>, SlabViews>()

/** The views of the slab that a view is of. */
export function slabViews(data: DataView<ArrayBuffer>): SlabViews {
  let views = known.get(data)
  if (views === undefined) {
    views = new SlabViews(data)
    known.set(data, views)
  }
  return views
}

export const NO_VIEWS = new SlabViews(new DataView(new ArrayBuffer(0)))
