// Where an object is, as one number: that of the memory which it is in, and the word where it begins there.

/** A number below 2^53, which V8 keeps as a double: not for what is done at every read. */
export type Place = number

/** More than the words of a slab. */
const WORDS = 2 ** 22

export function placeOf(memory: number, word: number): Place {
  return memory * WORDS + word
}

export function memoryOf(place: Place): number {
  return Math.floor(place / WORDS)
}

export function wordOf(place: Place): number {
  return place % WORDS
}
