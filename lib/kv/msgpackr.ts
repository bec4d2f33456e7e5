// Values in the format of msgpackr, an optional peer: it is loaded when a store asks for it.

import { createRequire } from 'node:module'
import { wrongType } from '../memory/arguments.js'
import { EmucxlError } from '../memory/errors.js'
import type { Codec } from './codec.js'

/** What is used of msgpackr. Its own types would be asked for by all who compile against these. */
interface Msgpackr {
  Packr: new (
    options: object,
  ) => {
    pack(value: unknown): Uint8Array
    unpack(bytes: Uint8Array): unknown
  }
}

function load(): Msgpackr {
  try {
    return createRequire(import.meta.url)('msgpackr')
  } catch (cause) {
    throw new EmucxlError(
      'ERR_EMUCXL_LOAD',
      "options.codec is 'msgpackr', a package that cannot be loaded: npm install msgpackr",
      { cause },
    )
  }
}

/**
 * A codec of a store's own. Each value is whole in itself: its records are described in its own bytes, since
 * a description that values share would be lost with a `put` that fails, and grow for ever.
 */
export function msgpackrCodec(): Codec<unknown> {
  const { Packr } = load()
  const packr = new Packr({ structuredClone: true })
  return {
    encode(value) {
      try {
        return packr.pack(value)
      } catch (cause) {
        throw wrongType('value', `what msgpackr can pack (${cause})`, value, cause)
      }
    },
    decode: (bytes) => packr.unpack(bytes),
  }
}
