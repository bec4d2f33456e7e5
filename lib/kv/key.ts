/** A key of a store: a string, or bytes. `'a'` and `Uint8Array.of(97)` are two keys. */
export type Key = string | Uint8Array
