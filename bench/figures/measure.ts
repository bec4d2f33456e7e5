// What `emucxl bench` measures with, against the same in C, in turns: a pointer chase, and a variant
// of STREAM. The machine is shared, so the best samples are compared: other work can only hide how
// fast a side is. How many are taken is settled before. How the physical pages of a block lie decides
// on some percent: the chase has several runs, one after the other, each of fresh processes.

import { fileURLToPath } from 'node:url'
import { readMachine } from '../../lib/cli/machine.js'
import { compile, Peer } from '../peers/peers.js'
import { allowedCpus } from './allowed-cpus.js'
import { MiB, type Row, report } from './figure.js'

const RUNS = 5
const LOADS = 10_000 // shorter than what the scheduler gives another program at a time
const SAMPLES = 20
const LATENCY_ROUNDS = 60 // of each run
const KERNELS = ['read', 'write', 'copy', 'triad'] as const
const PASSES = 5 // few, so that both sides see the same quiet moments
const BANDWIDTH_ROUNDS = 50
const WITHIN = 1.05

const bytes = Math.max(64 * MiB, 4 * readMachine().lastLevelCache)
const cpus = allowedCpus()
const child = fileURLToPath(new URL('measure-child.js', import.meta.url))
const chaseProgram = compile('chase.c', 'chase', [])
const streamProgram = compile('stream.c', 'stream', ['-pthread'])

const apart = (a: number, b: number): number => Math.max(a / b, b / a)

/** ns of a load in the best samples of a run, of both sides. */
interface LatencyRun {
  addon: number
  c: number
}

async function latencyRun(seed: number): Promise<LatencyRun> {
  const words = [String(bytes), String(seed)]
  const peers = {
    addon: new Peer(process.execPath, [child, 'chase', ...words]),
    c: new Peer(chaseProgram, words),
  }
  const best: LatencyRun = { addon: Number.POSITIVE_INFINITY, c: Number.POSITIVE_INFINITY }
  for (let round = 0; round < LATENCY_ROUNDS; round++) {
    const cpu = cpus[round % cpus.length]
    for (const side of ['addon', 'c'] as const) {
      const ns = Number(await peers[side].ask(`${LOADS} ${SAMPLES} ${cpu}`))
      best[side] = Math.min(best[side], ns)
    }
  }
  peers.addon.close()
  peers.c.close()
  return best
}

async function latency(): Promise<Row[]> {
  const runs: LatencyRun[] = []
  for (let seed = 1; seed <= RUNS; seed++) runs.push(await latencyRun(seed))
  const of = (side: keyof LatencyRun) => runs.map((run) => run[side])
  const [addon, c] = [Math.min(...of('addon')), Math.min(...of('c'))]
  const list = (side: keyof LatencyRun) =>
    of(side)
      .map((ns) => ns.toFixed(1))
      .join(' ')
  return [
    {
      what: 'idle latency, addon against C, either way',
      value: apart(addon, c),
      unit: 'times',
      bound: { atMost: WITHIN },
      detail:
        `${addon.toFixed(1)} ns a load, C ${c.toFixed(1)}; best of ${RUNS} runs × ` +
        `${LATENCY_ROUNDS * SAMPLES} × ${LOADS} loads over ${bytes / MiB} MiB`,
    },
    {
      what: `idle latency, of ${RUNS} runs, slowest to fastest`,
      value: Math.max(...of('addon')) / addon,
      unit: 'times',
      bound: { atMost: WITHIN },
      detail: `${list('addon')} ns; C ${list('c')} ns`,
    },
  ]
}

/** Bytes per ns of the best pass. */
async function bandwidthOf(peer: Peer, kernel: string, threads: number): Promise<number> {
  const answer = await peer.ask(`${kernel} ${threads} ${PASSES}`)
  if (answer === 'wrong') throw new Error(`${kernel} in ${threads} threads: wrong contents`)
  const [moved, ns] = answer.split(' ').map(Number) as [number, number]
  return moved / ns
}

async function bandwidth(): Promise<Row[]> {
  const cases = [...new Set([1, cpus.length])].flatMap((threads) =>
    KERNELS.map((kernel) => ({ kernel, threads, addon: 0, c: 0 })),
  )
  const peers = {
    addon: new Peer(process.execPath, [child, 'stream', String(bytes)]),
    c: new Peer(streamProgram, [String(bytes)]),
  }
  for (let round = 0; round < BANDWIDTH_ROUNDS; round++) {
    for (const one of cases) {
      for (const side of round % 2 === 0 ? (['addon', 'c'] as const) : (['c', 'addon'] as const)) {
        const rate = await bandwidthOf(peers[side], one.kernel, one.threads)
        one[side] = Math.max(one[side], rate)
      }
    }
  }
  peers.addon.close()
  peers.c.close()
  return cases.map(({ kernel, threads, addon, c }) => ({
    what: `${kernel}, ${threads === 1 ? '1 thread' : `${threads} threads`}, addon against C, either way`,
    value: apart(addon, c),
    unit: 'times',
    bound: { atMost: WITHIN },
    detail:
      `${addon.toFixed(1)} GB/s, C ${c.toFixed(1)}: a variant of STREAM, best of ` +
      `${BANDWIDTH_ROUNDS} × ${PASSES} passes over arrays of ${bytes / MiB} MiB`,
  }))
}

await report(async () => [...(await latency()), ...(await bandwidth())])
