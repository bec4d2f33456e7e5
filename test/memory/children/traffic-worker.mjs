// A worker that ends, in the way that it is told, while traffic runs over blocks of its own.
import { parentPort, workerData } from 'node:worker_threads'
import { Emucxl } from 'emucxl'
import { addon } from '../../../dist/lib/memory/addon.js'

const { how, options } = workerData
const cxl = Emucxl.open(options)
const blocks = [[cxl.alloc(1 << 20, 0)], [cxl.alloc(1 << 20, 1)]]
addon.startTraffic('copy', blocks, [1], [-1, -1])
parentPort.postMessage('started')
if (how === 'exit') process.exit()
if (how === 'terminate') setInterval(() => blocks, 1000)
