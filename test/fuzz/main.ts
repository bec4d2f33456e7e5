// Runs a share of the fuzzer's sequences in a process of its own, so that a crash is seen by another.
//   main.js BACKEND SEED RUNS JOURNAL [PATH]   random sequences; the journal says which one runs
//   main.js BACKEND DATA                       one sequence from a file, each call printed before it

import { openSync, readFileSync, writeSync } from 'node:fs'
import { type BackendName, Emucxl } from 'emucxl'
import fc from 'fast-check'
import { type Opening, opening, play, type Step, steps } from './commands.js'
import { DEVICE } from './device.js'
import { tally, World } from './world.js'

const [backend, seed, runs, journal, path] = process.argv.slice(2) as [
  BackendName,
  string,
  string?,
  string?,
  string?,
]

const options = backend === 'device' ? { backend, devicePath: DEVICE } : { backend }

const numaNodes = (() => {
  const cxl = Emucxl.open(options)
  const [local, remote] = cxl.nodes
  cxl.close()
  return { local: local?.numaNode ?? 0, remote: remote?.numaNode ?? 0 }
})()

const asData = (first: Opening, sequence: readonly Step[]): string =>
  [first, ...sequence].map((part) => JSON.stringify(part)).join('\n')

async function replay(file: string): Promise<void> {
  const [first, ...sequence] = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const world = new World(options, numaNodes)
  world.transcript.push = (line: string) => writeSync(1, `  ${line}\n`)
  await play(world, first, sequence)
}

async function search(file: number): Promise<void> {
  /** Of the last sequence that failed: the smallest one, when fast-check has done its work. */
  let transcript: string[] = []
  const details = await fc.check(
    fc.asyncProperty(opening, steps, async (first, sequence) => {
      const data = Buffer.from(asData(first, sequence))
      writeSync(file, data, 0, data.length, 8)
      writeSync(file, String(data.length).padStart(7).concat('\n'), 0)
      const world = new World(options, numaNodes)
      try {
        await play(world, first, sequence)
      } catch (error) {
        transcript = world.transcript
        await world.abandon()
        throw error
      }
    }),
    {
      seed: Number(seed),
      numRuns: Number(runs),
      ...(path === undefined ? {} : { path }),
    },
  )
  if (!details.failed) {
    console.log(JSON.stringify(Object.fromEntries(tally)))
    return
  }
  const { counterexamplePath, counterexample, numRuns, numShrinks, errorInstance } = details
  const [first, sequence] = counterexample as [Opening, Step[]]
  const again =
    `EMUCXL_FUZZ_BACKEND=${backend} EMUCXL_FUZZ_SEED=${details.seed} ` +
    `EMUCXL_FUZZ_PATH=${counterexamplePath}`
  console.log(
    `emucxl does not do what the model does: backend ${backend}, Node.js ${process.version}, ` +
      `sequence ${numRuns} of seed ${details.seed}, made smaller ${numShrinks} times.\n` +
      `To run it again: ${again}\n\n` +
      `${errorInstance instanceof Error ? errorInstance.stack : String(errorInstance)}\n\n` +
      `The calls:\n${transcript.map((line) => `  ${line}\n`).join('')}\n` +
      `As data:\n${asData(first, sequence)}`,
  )
  process.exitCode = 1
}

if (runs === undefined) await replay(seed)
else await search(openSync(journal as string, 'w'))
