// A worker that frees the shared block whose handle it gets.
import { workerData } from 'node:worker_threads'
import { addon } from '../../../dist/lib/memory/addon.js'

addon.free(addon.attach(workerData))
