// The ways in which JavaScript moves the memory of an ArrayBuffer into a new one, without a copy.
// Each has the same pointer afterwards, and the old buffer has length 0.

/** Reads "into" the buffer through a byte stream: the only way on Node.js 20. */
async function stream(buffer) {
  const bytes = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const { view } = controller.byobRequest
      controller.byobRequest.respond(view.byteLength)
    },
  })
  const { value } = await bytes.getReader({ mode: 'byob' }).read(new Uint8Array(buffer))
  return value.buffer
}

const transfers = {
  transfer: (buffer) => buffer.transfer(),
  transferToFixedLength: (buffer) => buffer.transferToFixedLength(buffer.byteLength),
}

/** By name: those that this Node.js has. */
export const moves = 'transfer' in ArrayBuffer.prototype ? { ...transfers, stream } : { stream }
