// Physical memory goes back at once, though the addresses stay: 64 MiB that were written, then ended
// in the way that the argument says.
import assert from 'node:assert/strict'
import { LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect } from './parts/loop.mjs'
import { resident } from './parts/memory.mjs'
import { moves } from './parts/moves.mjs'

const MiB = 1 << 20
const cxl = openContext()
const [how, moveName] = process.argv.slice(2)

const page = () => cxl.alloc(4096, LOCAL_MEMORY)
const block = (options) => {
  const memory = cxl.alloc(64 * MiB, LOCAL_MEMORY, options)
  cxl.fill(memory, 1)
  return memory
}

/** Each allocates, and returns what ends it. What comes before the end is not measured. */
const ways = {
  free: () => {
    const memory = block()
    return () => cxl.free(memory)
  },
  freeHuge: () => {
    const memory = block({ hugePages: 'prefer' })
    return () => cxl.free(memory)
  },
  freeShared: () => {
    const memory = block({ shared: true })
    return () => cxl.free(memory)
  },
  freeAsync: () => {
    const memory = block()
    return () => cxl.freeAsync(memory)
  },
  resize: () => {
    const memory = block()
    return () => cxl.resize(memory, 4096)
  },
  resizeAsync: () => {
    const memory = block()
    return () => cxl.resizeAsync(memory, 4096)
  },
  close: () => {
    const memory = [block(), page()]
    return () => cxl.close(memory)
  },
  closeAsync: () => {
    const memory = [block(), page()]
    return () => cxl.closeAsync(memory)
  },
  freeMoved: async () => {
    const memory = await moves[moveName](block())
    return () => cxl.free(memory)
  },
  closeMoved: async () => {
    const memory = await moves[moveName](block())
    return () => cxl.close(memory)
  },
  drop: () => {
    block()
    return collect
  },
  dropMoved: async () => {
    await moves[moveName](block())
    return collect
  },
}

const end = await ways[how]()
const before = resident()
const later = end()
if (!how.endsWith('Async') && !how.startsWith('drop')) {
  assert.ok(before - resident() > 60 * MiB, `${how}: ${before - resident()} bytes, at once`)
}
await later
assert.ok(before - resident() > 60 * MiB, `${how}: ${before - resident()} bytes`)
