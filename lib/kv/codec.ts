// How values become bytes, and bytes values.

/** Values of a kind as bytes. A `Packr` of msgpackr with options of one's own is one. */
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
  /**
   * What a structured clone can hold, and cycles, in the binary format of the package msgpackr, which you
   * install: `npm install msgpackr`. As there, functions come back as undefined, -0 as 0, objects without
   * their class, lone surrogates as U+FFFD, and a property `__proto__` under another name.
   */
  msgpackr: unknown
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
