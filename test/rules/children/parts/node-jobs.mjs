// Jobs that Node.js runs in its thread pool over memory that JavaScript gave it. They hold the view,
// and nothing holds the memory below it: the job of a buffer that is detached meanwhile goes on.
import assert from 'node:assert/strict'
import { randomFill } from 'node:crypto'
import { mkdtempSync, openSync, read, readSync, rmSync, write, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflate, inflateSync } from 'node:zlib'
import { assertFilled } from './bytes.mjs'

const LONGEST = 8 << 20
const folder = mkdtempSync(join(tmpdir(), 'emucxl-rules-'))
writeFileSync(join(folder, 'source'), Buffer.alloc(LONGEST, 0xa5))
const source = openSync(join(folder, 'source'), 'r')
const target = openSync(join(folder, 'target'), 'w+')
rmSync(folder, { recursive: true })
let written = 0

/**
 * Each starts a job over a view whose bytes are all `value`. The promise fails if the job met memory
 * that was not there (EFAULT), or read anything but `value`, or, with `mayBeZero`, the zeros of
 * memory that was freed before the job came to it.
 */
export const nodeJobs = {
  // One write() for all of it: zlib looks at its input again between writes, and dies of a detached
  // one, with ordinary buffers too.
  deflate: async (view, value, mayBeZero) => {
    const chunkSize = view.byteLength + (view.byteLength >> 8) + 64
    const packed = await promisify(deflate)(view, { level: 1, chunkSize })
    assertFilled(inflateSync(packed), value, 'deflate', mayBeZero)
  },

  write: async (view, value, mayBeZero) => {
    const length = view.byteLength
    const position = written
    written += length
    const { bytesWritten } = await promisify(write)(target, view, 0, length, position)
    assert.equal(bytesWritten, length)
    const copy = Buffer.alloc(length)
    readSync(target, copy, 0, length, position)
    assertFilled(copy, value, 'fs.write', mayBeZero)
  },

  randomFill: async (view) => {
    await promisify(randomFill)(view)
  },

  read: async (view) => {
    const length = view.byteLength
    const { bytesRead } = await promisify(read)(source, view, 0, length, 0)
    assert.equal(bytesRead, length)
  },
}
