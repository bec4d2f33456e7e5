// What is said of a ref that names nothing.

import { wrongType } from '../memory/arguments.js'
import { EmucxlError } from '../memory/errors.js'
import { cacheOf } from './ref.js'

/** Whose refs they are. */
export interface RefOwner {
  /** 'slab cache', or what else it is called. */
  what: string
  /** Whether a number is that of a cache of its own. */
  owns: (cache: number) => boolean
  destroyed: boolean
}

/** Throws the error for a ref that does not live. */
export function refuseRef(ref: unknown, { what, owns, destroyed }: RefOwner): never {
  if (typeof ref !== 'number') throw wrongType('ref', 'what alloc() returned', ref)
  if (destroyed) throw new EmucxlError('ERR_EMUCXL_CLOSED', `ref: the ${what} is destroyed`)
  if (Number.isSafeInteger(ref) && ref > 0 && owns(cacheOf(ref))) {
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
