// What is said of a ref that names nothing.

import { wrongType } from '../memory/arguments.js'
import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { cacheOf } from './ref.js'

/** Whose refs they are. */
export interface RefOwner {
  /** 'slab cache', or what else it is called. */
  what: string
  cxl: Emucxl
  destroyed: boolean
  /** The number in its refs; undefined where what has them was not found. */
  id?: number
}

/** Throws the error for a ref that does not live. */
export function refuseRef(ref: unknown, { what, cxl, destroyed, id }: RefOwner): never {
  if (typeof ref !== 'number') throw wrongType('ref', 'what alloc() returned', ref)
  if (cxl.closed) refuseClosed(what)
  if (destroyed) throw new EmucxlError('ERR_EMUCXL_CLOSED', `ref: the ${what} is destroyed`)
  if (Number.isSafeInteger(ref) && ref > 0 && cacheOf(ref) === id) {
    throw new EmucxlError(
      'ERR_EMUCXL_FREED',
      `ref: the object ${ref} was freed, or moved: use the ref that migrate() or compact() told`,
    )
  }
  throw new EmucxlError(
    'ERR_EMUCXL_NOT_ALLOCATED',
    `ref: ${ref} is not an object of this ${what}: pass what its alloc() returned`,
  )
}

export function refuseClosed(what: string): never {
  throw new EmucxlError('ERR_EMUCXL_CLOSED', `the context of the ${what} is closed`)
}

/** The bytes of an object, unless somebody has taken the memory under it away. */
export function bytesIn(
  buffer: ArrayBuffer,
  offset: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  if (buffer.byteLength === 0) {
    throw new EmucxlError(
      'ERR_EMUCXL_DETACHED',
      'ref: the memory of the object was freed or transferred: leave buffer() to its cache',
    )
  }
  return new Uint8Array(buffer, offset, length)
}
