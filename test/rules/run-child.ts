// Runs one program of children/ in a process of its own and says how it ended, because a crash is what
// these tests look for. EMUCXL_TEST_NODE names the Node.js to use instead of the running one.

import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'

export const node = process.env['EMUCXL_TEST_NODE'] || process.execPath

/** Of the Node.js that runs the programs. */
export const nodeMajor = Number(
  spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.split('.')[0],
)

/** Multiplies how long the programs go on: EMUCXL_SOAK. */
export const soak = Number(process.env['EMUCXL_SOAK'] ?? 1)

/** How much slower than a real machine this one is: a virtual one that is emulated says so. */
const slowness = Number(process.env['EMUCXL_SLOWNESS'] ?? 1)

vi.setConfig({ testTimeout: 60_000 * Math.max(1, soak) * slowness })

export interface ChildOptions {
  /** Of Node.js. Default: `--expose-gc`. */
  flags?: string[]
  env?: Record<string, string>
  /** The exit code that is expected. Default 0. */
  code?: number | null
  /** The signal that is expected. Default none. */
  signal?: NodeJS.Signals | null
  /** Seconds, before the soak. Default 100. */
  timeLimit?: number
}

export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

function spawned(program: string, args: string[], options: ChildOptions): Promise<ChildEnd> {
  const path = fileURLToPath(new URL(`children/${program}.mjs`, import.meta.url))
  const child = spawn(node, [...(options.flags ?? ['--expose-gc']), path, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (options.timeLimit ?? 100) * 1000 * Math.max(1, soak) * slowness,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  })
}

/**
 * Runs `children/<program>.mjs`, asserts that it ended by itself, with exit code 0 and no signal
 * unless the options say otherwise, and returns what it printed. SIGSEGV and SIGABRT are what a broken
 * rule looks like; SIGKILL is the time limit.
 */
export async function outputOf(
  program: string,
  args: string[] = [],
  options: ChildOptions = {},
): Promise<ChildEnd> {
  const seed = process.env['EMUCXL_SEED'] ?? String(Math.floor(Math.random() * 2 ** 32))
  const env = { EMUCXL_SEED: seed, ...options.env }
  const { code, signal, stdout, stderr } = await spawned(program, args, { ...options, env })
  expect(
    { code, signal },
    `${program} ${args.join(' ')} (EMUCXL_SEED=${seed})\n${stdout}${stderr}`,
  ).toEqual({ code: options.code ?? (options.signal ? null : 0), signal: options.signal ?? null })
  return { code, signal, stdout, stderr }
}

/** As `outputOf`, where only the end matters. */
export async function runChild(
  program: string,
  args: string[] = [],
  options: ChildOptions = {},
): Promise<void> {
  await outputOf(program, args, options)
}

/** Names of the ways in which this Node.js moves an ArrayBuffer: children/parts/moves.mjs. */
export const moves = nodeMajor >= 22 ? ['transfer', 'transferToFixedLength', 'stream'] : ['stream']
