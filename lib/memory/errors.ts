// The errors of this package, made in one place.

/** Every `code` that an {@link EmucxlError} can have, and what it means. */
export const ERROR_CODES = {
  ERR_EMUCXL_ABORTED: 'The operation was aborted through its signal.',
  ERR_EMUCXL_BACKEND_UNAVAILABLE:
    'A backend asked for by name cannot run here; the message says why, and the remedy.',
  ERR_EMUCXL_BAD_NODE: 'No such node in the context, or no such NUMA node in the machine.',
  ERR_EMUCXL_BAD_POLICY: 'A policy of one’s own named an entry that it cannot.',
  ERR_EMUCXL_BUSY: 'A migrate or resize of the same block is under way.',
  ERR_EMUCXL_CLOSED: 'The context is closed, or `emucxl_init` was not called.',
  ERR_EMUCXL_DETACHED: 'The buffer has no memory: freed, resized or transferred.',
  ERR_EMUCXL_FREED: 'The memory was freed, here or by another thread.',
  ERR_EMUCXL_INTERNAL: 'A call of Node-API failed for no reason of the caller’s.',
  ERR_EMUCXL_LOAD:
    'The native addon, or an optional package, could not be loaded; the message says what to run.',
  ERR_EMUCXL_LOCK_LIMIT: '`lock` met the limit of locked memory.',
  ERR_EMUCXL_NO_EXTERNAL: 'The runtime forbids ArrayBuffers over memory of an addon.',
  ERR_EMUCXL_NO_HUGE_PAGES: "hugePages 'require' met an empty pool.",
  ERR_EMUCXL_NO_MEMORY: 'The node’s capacity, or the memory behind it, is used up.',
  ERR_EMUCXL_NOT_ALLOCATED: 'The address is not memory of emucxl.',
  ERR_EMUCXL_NOT_PERMITTED: 'The system forbids the call, as many containers do.',
  ERR_EMUCXL_NOT_SHARED: 'The block was not allocated with `shared: true`.',
  ERR_EMUCXL_OPEN: '`emucxl_init` was called while the default context is open.',
  ERR_EMUCXL_SHARED: 'A shared block cannot be resized.',
  ERR_EMUCXL_UNSUPPORTED: 'The backend cannot do this.',
} as const

/** The name of a failure: a key of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** What an {@link EmucxlError} tells besides its code and message. */
export interface ErrorDetails {
  /** The system call that failed. */
  syscall?: string
  /** Its error number, negative as everywhere in Node.js (`util.getSystemErrorName` names it). */
  errno?: number
  /** The error behind it. */
  cause?: unknown
}

/** A failure that no type or range of an argument explains. A failed call has changed nothing. */
export class EmucxlError extends Error {
  /** What went wrong: see {@link ERROR_CODES}. */
  readonly code: ErrorCode
  /** The system call that failed, where one did. */
  declare readonly syscall?: string
  /** Its error number, negative as everywhere in Node.js. */
  declare readonly errno?: number

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    if (details.syscall !== undefined) this.syscall = details.syscall
    if (details.errno !== undefined) this.errno = details.errno
  }

  static {
    Object.defineProperty(EmucxlError.prototype, 'name', {
      value: 'EmucxlError',
      configurable: true,
      writable: true,
    })
  }
}
