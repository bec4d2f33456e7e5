// What `emucxl bench` measures with, against the same in C, in turns: a pointer chase, and a variant
// of STREAM. The machine is shared, so the best samples are compared, and more are taken where they
// are apart: other work can only hide how fast a side is. How the physical pages of a block lie
// decides on some percent, so that both sides have several processes, each with a block of its own.

import { fileURLToPath } from 'node:url'
import { readMachine } from '../../lib/cli/machine.js'
import { compile, Peer } from '../peers/peers.js'
import { allowedCpus } from './allowed-cpus.js'
import { MiB, type Row, report } from './figure.js'

const PROCESSES = 5
const LOADS = 10_000 // shorter than what the scheduler gives another program at a time
const SAMPLES = 20
const LATENCY_ROUNDS = { least: 30, most: 200 }
const KERNELS = ['read', 'write', 'copy', 'triad'] as const
const PASSES = 5 // few, so that both sides see the same quiet moments
const BANDWIDTH_ROUNDS = { least: 12, most: 80 }
const WITHIN = 1.05

const bytes = Math.max(64 * MiB, 4 * readMachine().lastLevelCache)
const cpus = allowedCpus()
const child = fileURLToPath(new URL('measure-child.js', import.meta.url))
const chaseProgram = compile('chase.c', 'chase', [])
const streamProgram = compile('stream.c', 'stream', ['-pthread'])

const apart = (a: number, b: number): number => Math.max(a / b, b / a)

interface Chaser {
  peer: Peer
  bestNs: number
}

const bestOf = (chasers: readonly Chaser[]): number =>
  Math.min(...chasers.map(({ bestNs }) => bestNs))

/** Slowest to fastest of the processes. */
const spread = (chasers: readonly Chaser[]): number =>
  Math.max(...chasers.map(({ bestNs }) => bestNs)) / bestOf(chasers)

function chasers(program: string, words: readonly string[]): Chaser[] {
  return Array.from({ length: PROCESSES }, (_, seed) => ({
    peer: new Peer(program, [...words, String(bytes), String(seed + 1)]),
    bestNs: Number.POSITIVE_INFINITY,
  }))
}

async function latency(): Promise<Row[]> {
  const addon = chasers(process.execPath, [child, 'chase'])
  const c = chasers(chaseProgram, [])
  let rounds = 0
  const isApart = () => apart(bestOf(addon), bestOf(c)) > WITHIN || spread(addon) > WITHIN
  while (rounds < LATENCY_ROUNDS.least || (rounds < LATENCY_ROUNDS.most && isApart())) {
    const cpu = cpus[rounds++ % cpus.length]
    for (let i = 0; i < PROCESSES; i++) {
      for (const chaser of [addon[i], c[i]] as Chaser[]) {
        const ns = Number(await chaser.peer.ask(`${LOADS} ${SAMPLES} ${cpu}`))
        chaser.bestNs = Math.min(chaser.bestNs, ns)
      }
    }
  }
  for (const { peer } of [...addon, ...c]) peer.close()
  const list = (those: readonly Chaser[]) => those.map(({ bestNs }) => bestNs.toFixed(1)).join(' ')
  return [
    {
      what: 'idle latency, addon against C, either way',
      value: apart(bestOf(addon), bestOf(c)),
      unit: 'times',
      bound: { atMost: WITHIN },
      detail:
        `${bestOf(addon).toFixed(1)} ns a load, C ${bestOf(c).toFixed(1)}; best of ` +
        `${PROCESSES} processes × ${rounds * SAMPLES} × ${LOADS} loads over ${bytes / MiB} MiB`,
    },
    {
      what: `idle latency, of ${PROCESSES} processes, slowest to fastest`,
      value: spread(addon),
      unit: 'times',
      bound: { atMost: WITHIN },
      detail: `${list(addon)} ns; C ${list(c)} ns`,
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
    KERNELS.map((kernel) => ({ kernel, threads, rounds: 0, addon: 0, c: 0 })),
  )
  const peers = {
    addon: new Peer(process.execPath, [child, 'stream', String(bytes)]),
    c: new Peer(streamProgram, [String(bytes)]),
  }
  for (let round = 0; round < BANDWIDTH_ROUNDS.most; round++) {
    for (const one of cases) {
      if (round >= BANDWIDTH_ROUNDS.least && apart(one.addon, one.c) <= WITHIN) continue
      for (const side of round % 2 === 0 ? (['addon', 'c'] as const) : (['c', 'addon'] as const)) {
        const rate = await bandwidthOf(peers[side], one.kernel, one.threads)
        one[side] = Math.max(one[side], rate)
      }
      one.rounds++
    }
  }
  peers.addon.close()
  peers.c.close()
  return cases.map(({ kernel, threads, rounds, addon, c }) => ({
    what: `${kernel}, ${threads === 1 ? '1 thread' : `${threads} threads`}, addon against C, either way`,
    value: apart(addon, c),
    unit: 'times',
    bound: { atMost: WITHIN },
    detail:
      `${addon.toFixed(1)} GB/s, C ${c.toFixed(1)}: a variant of STREAM, best of ` +
      `${rounds} × ${PASSES} passes over arrays of ${bytes / MiB} MiB`,
  }))
}

await report(async () => [...(await latency()), ...(await bandwidth())])
