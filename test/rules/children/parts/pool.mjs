// The thread pool, held up: jobs that are queued meanwhile begin when it is let go, at the latest
// moment there is. So a job that must not outlive its memory does so every time, not one time in ten.
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, read, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Occupies every thread of the pool; returns what lets it go. */
export function occupyPool() {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4)
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-rules-'))
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  const fifo = openSync(path, 'r+') // both ends: opening does not wait for the other side
  rmSync(folder, { recursive: true })
  let waiting = threads
  for (let i = 0; i < threads; i++) {
    read(fifo, Buffer.alloc(1), 0, 1, null, () => {
      if (--waiting === 0) closeSync(fifo)
    })
  }
  const release = () => {
    process.off('exit', release)
    writeSync(fifo, Buffer.alloc(threads))
  }
  process.once('exit', release) // a failure: the process waits for the pool
  return release
}
