// What a program sees where a container forbids system calls. Prints one line of JSON.
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'

const failure = (work) => {
  try {
    work()
    return null
  } catch ({ name, code, syscall, message }) {
    return { name, code, syscall, message }
  }
}

const seen = {}
seen.numa = failure(() => Emucxl.open({ backend: 'numa' }).close())
const cxl = Emucxl.open()
seen.auto = cxl.backend
const block = cxl.alloc(4096, REMOTE_MEMORY)
new Uint8Array(block).fill(7)
seen.where = failure(() => cxl.where(block))
seen.whereAsync = await cxl.whereAsync(block).then(
  () => null,
  ({ code }) => code,
)
seen.locked = failure(() => cxl.alloc(4096, LOCAL_MEMORY, { lock: true }))
seen.allocated = cxl.stats(LOCAL_MEMORY).allocated
cxl.migrate(block, LOCAL_MEMORY)
seen.contents = new Uint8Array(block).every((byte) => byte === 7)
cxl.close()
console.log(JSON.stringify(seen))
