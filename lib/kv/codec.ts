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

/** What is passed as `codec`. */
export type AnyCodec =
  | keyof NamedCodecs
  | { encode(value: never): Uint8Array; decode(bytes: Uint8Array): unknown }

/** The values of a store with a codec. */
export type ValueOfCodec<C extends AnyCodec> = C extends keyof NamedCodecs
  ? NamedCodecs[C]
  : C extends { decode(bytes: Uint8Array): infer V }
    ? V
    : never
