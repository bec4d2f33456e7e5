// The addon's side of measure.ts: answers the lines that bench/peers/chase.c and stream.c answer.

import { createInterface } from 'node:readline'
import { Emucxl, LOCAL_MEMORY } from '../../lib/index.js'
import { addon, type Kernel } from '../../lib/memory/addon.js'
import { allowedCpus } from './allowed-cpus.js'

const [what, bytes, seed] = process.argv.slice(2)
const cxl = Emucxl.open({ backend: 'emulated' })
const block = () => cxl.alloc(Number(bytes), LOCAL_MEMORY, { prefault: true })
const OPERANDS = { read: 1, write: 1, copy: 2, triad: 3 }

function chase(): (line: string) => string {
  const lines = block()
  addon.chase(lines, 1, 0, Number(seed), -1)
  return (line) => {
    const [loads, samples, cpu] = line.split(' ').map(Number) as [number, number, number]
    const { nsPerLoad, pinned } = addon.chase(lines, loads, samples, 0, cpu)
    if (!pinned) throw new Error(`cannot run on CPU ${cpu}`)
    return String(Math.min(...nsPerLoad))
  }
}

function stream(): (line: string) => string {
  const blocks = [[block()], [block()], [block()]]
  const cpus = allowedCpus()
  return (line) => {
    const [kernel, threads, passes] = line.split(' ') as [Kernel, string, string]
    const pins = Array.from({ length: Number(threads) }, (_, i) => cpus[i % cpus.length] as number)
    const operands = blocks.slice(0, OPERANDS[kernel])
    const swept = addon.sweep(kernel, operands, [1], pins, Number(passes))
    return swept.valid ? `${swept.bytesPerPass} ${Math.min(...swept.nsPerPass)}` : 'wrong'
  }
}

const answer = what === 'chase' ? chase() : stream()
for await (const line of createInterface(process.stdin)) process.stdout.write(`${answer(line)}\n`)
