// The API fuzzer: random sequences of all calls, with valid and hostile arguments, against a model in
// plain JavaScript, on every backend that runs here. Contents, sizes, nodes, accounts, mappings and
// errors must agree, and the process must live. It does not see races inside one call, nor what only
// two NUMA nodes or another process could show.
//   EMUCXL_FUZZ_RUNS     sequences in all; default 10,000
//   EMUCXL_FUZZ_SEED     runs the same ones again; with EMUCXL_FUZZ_PATH one alone, as printed
//   EMUCXL_FUZZ_BACKEND  only this one, or those of EMUCXL_BACKENDS

import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { obstacle } from '../../dist/lib/memory/backends.js'
import { compile, runChild } from './child.js'
import { lastSequence, shrinkCrash } from './crash.js'
import { DEVICE } from './device.js'

const SEQUENCES = Number(
  process.env['EMUCXL_FUZZ_RUNS'] ?? (process.env['EMUCXL_QUICK'] === '1' ? 1000 : 10_000),
)
const SEED = Number(process.env['EMUCXL_FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const PATH = process.env['EMUCXL_FUZZ_PATH']
const ASKED = (process.env['EMUCXL_FUZZ_BACKEND'] ?? process.env['EMUCXL_BACKENDS'])?.split(',')
/** Each process makes so many, so that what stays reserved for its life stays small. */
const SHARE = 1000

const backends = (['emulated', 'numa', 'device'] as const).filter((name) => {
  if (ASKED !== undefined && !ASKED.includes(name)) return false
  const reason = obstacle(name, DEVICE)
  if (reason !== undefined) console.log(`fuzz: no backend '${name}' here: ${reason}`)
  return reason === undefined
})

let folder: string
const tally = new Map<string, number>()

/** Runs a share of the sequences; throws what is to be printed where one fails. */
async function runShare(backend: string, seed: number, runs: number): Promise<void> {
  const program = join(folder, 'main.js')
  const journal = join(folder, `${backend}-${seed}`)
  const more = PATH === undefined ? [] : [PATH]
  const ended = await runChild(program, backend, String(seed), String(runs), journal, ...more)
  if (ended.code === 0) {
    for (const [key, count] of Object.entries(JSON.parse(ended.output) as Record<string, number>)) {
      tally.set(key, (tally.get(key) ?? 0) + count)
    }
    return
  }
  if (ended.code === 1) throw new Error(ended.output)
  const shrunk = await shrinkCrash(program, backend, lastSequence(journal))
  throw new Error(
    `the process ended by ${ended.signal ?? `code ${ended.code}`}: backend ${backend}, ` +
      `Node.js ${process.version}, EMUCXL_FUZZ_SEED=${seed}\n${ended.output}\n` +
      (shrunk.ended === undefined
        ? 'The last sequence alone does not do it:\n'
        : `The calls of the smallest sequence that does it:\n${shrunk.ended.output}\nAs data:\n`) +
      shrunk.lines.join('\n'),
  )
}

beforeAll(() => {
  folder = compile()
})

afterAll(() => {
  rmSync(folder, { recursive: true })
  const calls = [...tally.values()].reduce((sum, count) => sum + count, 0)
  console.log(`fuzz: seed ${SEED}, ${calls} calls on ${backends.join(', ')}`)
})

describe('random sequences of calls do what the model does', () => {
  test(`${SEQUENCES} sequences`, { timeout: 60_000 + SEQUENCES * 100 }, async () => {
    const shares: { backend: string; seed: number; runs: number }[] = []
    const each = Math.ceil(SEQUENCES / backends.length)
    for (const backend of backends) {
      if (PATH !== undefined) shares.push({ backend, seed: SEED, runs: 1 })
      else {
        for (let done = 0; done < each; done += SHARE) {
          shares.push({ backend, seed: SEED + done / SHARE, runs: Math.min(SHARE, each - done) })
        }
      }
    }
    const worker = async () => {
      for (let share = shares.pop(); share !== undefined; share = shares.pop()) {
        await runShare(share.backend, share.seed, share.runs)
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, worker))
    if (SEQUENCES < 3000 || PATH !== undefined) return
    // The sequences are worth something only while calls of each kind succeed and fail in them.
    for (const call of [
      'alloc',
      'free',
      'resize',
      'migrate',
      'read',
      'write',
      'fill',
      'copy',
      'move',
    ]) {
      for (const name of [call, `${call}Async`]) {
        for (const end of ['done', 'ERR_INVALID_ARG_TYPE', 'ERR_EMUCXL_DETACHED']) {
          if (call === 'alloc' && end === 'ERR_EMUCXL_DETACHED') continue
          expect(tally.get(`${name} ${end}`), `${name}: ${end}`).toBeGreaterThan(10)
        }
      }
    }
  })
})
