// What JavaScript remembers of a block: its node and size, kept in a private field of the ArrayBuffer
// itself. So asking for them costs no call of the addon, and the memory of it goes with the buffer.

/** The record of one block. */
export interface Block {
  node: number
  readonly size: number
  live: boolean
}

// A derived constructor may return any object; the private fields are then added to that one.
const Bearer = function (this: unknown, bearer: object): object {
  return bearer
} as unknown as new (
  bearer: object,
) => object

class Stamped extends Bearer {
  #block: Block

  constructor(buffer: ArrayBuffer, block: Block) {
    super(buffer)
    this.#block = block
  }

  static of(value: object): Block | undefined {
    return #block in value ? value.#block : undefined
  }
}

export function stamp(buffer: ArrayBuffer, node: number): ArrayBuffer {
  new Stamped(buffer, { node, size: buffer.byteLength, live: true })
  return buffer
}

/**
 * The record of a buffer that still has its memory. Undefined for anything else, and for memory that
 * other threads know too: only the addon can tell about that.
 */
export function blockOf(value: unknown): Block | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const block = Stamped.of(value)
  // A transfer leaves the old buffer with its record, and without its memory.
  return block?.live && (value as ArrayBuffer).byteLength !== 0 ? block : undefined
}
