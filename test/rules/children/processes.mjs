// Other processes are started at each step of the life cycle: before a context is open, with blocks
// alive and written, with a job under way, after the close. A child inherits the mappings until it
// runs its program; the parent's data stays, its memory goes back, and both end well.
import assert from 'node:assert/strict'
import { exec, execFile, fork, spawn, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { account, LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { collect } from './parts/loop.mjs'
import { resident } from './parts/memory.mjs'

const MiB = 1 << 20

/** What a forked child does: the same again, in a process of its own. */
async function child() {
  const cxl = openContext()
  const block = cxl.alloc(MiB, REMOTE_MEMORY)
  assertZeros(block, 'new block of a child')
  cxl.fill(block, 0x66)
  const moved = cxl.migrateAsync(block, LOCAL_MEMORY)
  const [how] = process.argv.slice(3)
  if (how === 'close') {
    await moved
    cxl.close()
  }
  process.send('ready')
  if (how === 'exit') process.exit(0)
  process.disconnect()
}

const ended = (process) =>
  new Promise((resolve, reject) => {
    process.on('error', reject)
    process.on('exit', (code, signal) => resolve({ code, signal }))
  })
const WELL = { code: 0, signal: null }

const starts = {
  spawn: async () => {
    const args = ['-e', 'process.stdin.resume()']
    const sleeper = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] })
    const end = ended(sleeper)
    sleeper.stdin.end()
    assert.deepEqual(await end, WELL)
  },
  spawnSync: async () => assert.equal(spawnSync('true').status, 0),
  exec: async () => assert.equal((await promisify(exec)('echo here')).stdout, 'here\n'),
  execFile: async () => void (await promisify(execFile)('true')),
  fork: async (step) => {
    const how = ['natural', 'exit', 'close'][step % 3]
    assert.deepEqual(await ended(fork(new URL(import.meta.url), ['child', how])), WELL)
  },
}

let step = 0

async function startAll() {
  step++
  await Promise.all(Object.values(starts).map((start) => start(step)))
}

async function parent() {
  await startAll() // before
  const cxl = openContext()
  await startAll() // open
  const block = cxl.alloc(32 * MiB, REMOTE_MEMORY)
  const shared = cxl.alloc(MiB, LOCAL_MEMORY, { shared: true })
  cxl.fill(block, 0x55)
  cxl.fill(shared, 0x56)
  await startAll() // with blocks alive
  assertFilled(new Uint8Array(block), 0x55, 'after the children')
  const jobs = [
    cxl.fillAsync(block, 0x57),
    cxl.migrateAsync(block, LOCAL_MEMORY),
    cxl.allocAsync(32 * MiB, REMOTE_MEMORY, { prefault: true }),
    cxl.resizeAsync(cxl.alloc(MiB, REMOTE_MEMORY), 2 * MiB),
  ]
  const children = startAll() // with jobs under way
  const late = jobs.map((job) => job.then((result) => result, assert.ifError))
  const [, , prefaulted, resized] = await Promise.all(late)
  cxl.free(prefaulted)
  cxl.free(resized)
  await children
  assertFilled(new Uint8Array(block), 0x57, 'filled while children started')
  assertFilled(new Uint8Array(shared), 0x56, 'shared')
  // While a child lives that was started with the block mapped, its memory goes back all the same.
  const sleeper = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  const end = ended(sleeper)
  const before = resident()
  cxl.free(block)
  assert.ok(before - resident() > 30 * MiB, `${before - resident()} bytes`)
  cxl.free(shared)
  sleeper.stdin.end()
  assert.deepEqual(await end, WELL)
  await collect()
  assert.equal(account(cxl).allocated, 0)
  cxl.close()
  await startAll() // after
}

await (process.argv[2] === 'child' ? child() : parent())
