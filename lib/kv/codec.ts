// How values become bytes, and bytes values.

/** Values of a kind as bytes. `new Packr()` of msgpackr is one. */
export interface Codec<V> {
  /** The bytes are copied before anything else is encoded. */
  encode(value: V): Uint8Array
  /** The bytes are a copy of the value's own, which may be kept. */
  decode(bytes: Uint8Array): V
}

/** The codecs that have a name, and the values that they take. */
export interface NamedCodecs {
  bytes: Uint8Array
  utf8: string
  json: unknown
}

/** A {@link Codec} of whatever values. */
export interface CodecLike {
  /** {@link Codec.encode}. */
  encode(value: never): Uint8Array
  /** {@link Codec.decode}. */
  decode(bytes: Uint8Array): unknown
}

/** What is passed as `codec`. */
export type AnyCodec = keyof NamedCodecs | CodecLike

/** The values of a store with a codec. */
export type ValueOfCodec<C extends AnyCodec> = C extends keyof NamedCodecs
  ? NamedCodecs[C]
  : C extends CodecLike
    ? ReturnType<C['decode']>
    : never
