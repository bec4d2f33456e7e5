// The first program of the README.
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'

const cxl = Emucxl.open()
const block = cxl.alloc(64 * 1024, REMOTE_MEMORY) // an ArrayBuffer in remote memory
const numbers = new Float64Array(block).fill(1.5)
console.log(`${cxl.sizeOf(block)} bytes on node ${cxl.nodeOf(block)} of backend ${cxl.backend}`)

cxl.migrate(block, LOCAL_MEMORY) // the same ArrayBuffer, on the other node
console.log(`local: ${cxl.isLocal(block)}, last number: ${numbers.at(-1)}`)

cxl.free(block)
console.log(`freed: ${numbers.length} numbers, ${cxl.stats(LOCAL_MEMORY).allocated} bytes`)
cxl.close()
