// What the backend `device` does on the first paper's original module: it maps on both nodes, and a
// migration copies. Prints TAP lines.

import { readFileSync } from 'node:fs'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'

const SIZE = 300_000
let failures = 0

function check(what, ok) {
  console.log(`${ok ? 'ok' : 'not ok'} - ${what}`)
  if (!ok) failures++
}

/** Pages that the kernel says are on a NUMA node, of all mappings of the device. */
function pagesOn(node) {
  const lines = readFileSync('/proc/self/numa_maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/dev/emucxl'))
  return lines.reduce(
    (sum, line) => sum + Number(new RegExp(`N${node}=(\\d+)`).exec(line)?.[1] ?? 0),
    0,
  )
}

const cxl = Emucxl.open({ backend: 'device' })
const PAGES = Math.ceil(SIZE / 4096)
const block = cxl.alloc(SIZE, REMOTE_MEMORY)
const bytes = new Uint8Array(block)
check(
  'zeroed memory',
  bytes.every((byte) => byte === 0),
)
check('on the remote node', pagesOn(1) === PAGES && pagesOn(0) === 0)
for (let i = 0; i < SIZE; i++) bytes[i] = i % 251
const { moved, failed } = cxl.migrate(block, LOCAL_MEMORY)
check('migrated: the same buffer', moved === PAGES && failed === 0 && block.byteLength === SIZE)
check(
  'with its contents',
  bytes.every((byte, i) => byte === i % 251),
)
check('on the local node', pagesOn(0) === PAGES && pagesOn(1) === 0)
check('in the account of that node', cxl.stats(LOCAL_MEMORY).mapped === PAGES * 4096)
await cxl.migrateAsync(block, REMOTE_MEMORY)
check(
  'and back, off the main thread',
  pagesOn(1) === PAGES && bytes.every((byte, i) => byte === i % 251),
)
const longer = cxl.resize(block, 2 * SIZE)
check(
  'resized',
  new Uint8Array(longer).every((byte, i) => byte === (i < SIZE ? i % 251 : 0)),
)
for (const hugePages of ['prefer', 'require']) {
  let code
  try {
    cxl.alloc(2 ** 21, REMOTE_MEMORY, { hugePages })
  } catch (error) {
    code = error.code
  }
  check(`no huge pages: ${hugePages}`, code === 'ERR_EMUCXL_UNSUPPORTED')
}
cxl.free(longer)
check('freed', pagesOn(0) + pagesOn(1) === 0)
cxl.close()
console.log(`# ${failures} failed`)
process.exitCode = failures === 0 ? 0 : 1
