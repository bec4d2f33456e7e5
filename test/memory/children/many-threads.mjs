// Asks for more threads than the limit of its address space has room for (8 MiB of stack each), and
// then for some that there is room for. Arguments: the backend, and the options of its context.
import { Emucxl } from 'emucxl'
import { addon } from '../../../dist/lib/memory/addon.js'

const cxl = Emucxl.open(JSON.parse(process.argv[3]))
const blocks = [[cxl.alloc(1 << 20, 0)]]
const many = new Array(1024).fill(-1)
for (const call of [
  () => addon.sweep('write', blocks, [1], many, 1),
  () => addon.startTraffic('write', blocks, [1], many),
]) {
  try {
    call()
    console.log('there were so many')
  } catch ({ code, syscall }) {
    console.log(code, syscall)
  }
}
if (!addon.sweep('write', blocks, [1], [-1, -1], 1).valid) process.exit(2)
