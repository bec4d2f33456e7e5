// The native unit tests: plainly, and under the address, undefined-behaviour and thread sanitizers.
// node scripts/test-native.mjs

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cmakePrograms, compile } from './cmake.mjs'
import { needPrograms, say } from './programs.mjs'
import { installDependencies, isProgram } from './setup.mjs'

const OPTIONS = {
  ASAN_OPTIONS: 'abort_on_error=0:detect_stack_use_after_return=1:strict_init_order=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'second_deadlock_stack=1',
}

const RUNS = [
  { kind: 'plain', program: 'native-unit', name: 'unit' },
  { kind: 'plain', program: 'native-limits', name: 'at the limits' },
  { kind: 'address', program: 'native-unit', name: 'unit, address and undefined sanitizers' },
  { kind: 'thread', program: 'native-unit', name: 'unit, thread sanitizer' },
]

function start(command, args) {
  const env = { ...process.env, ...OPTIONS }
  const result = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 28 })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`
  return { ok: result.status === 0, output, end: result.signal ?? `exit ${result.status}` }
}

// The thread sanitizer of GCC 12 gives up where the kernel puts programs at more random addresses
// than it knows of (vm.mmap_rnd_bits above 28), unless they are made less random for it.
const NO_PLACE = 'unexpected memory mapping'

function runTests(kind, name) {
  let program
  try {
    program = join(compile(kind), name)
  } catch (error) {
    return { ok: false, output: error.message, end: 'it was not built' }
  }
  const first = start(program, [])
  if (!first.output.includes(NO_PLACE)) return first
  const second = start('setarch', ['-R', program])
  if (second.ok || (!second.output.includes(NO_PLACE) && second.output.includes('[doctest]'))) {
    return second
  }
  return { skipped: 'vm.mmap_rnd_bits is above 28, and setarch -R is not allowed here' }
}

function count(output, what) {
  const found = new RegExp(`${what}:\\s*(\\d+) \\|\\s*(\\d+) passed`).exec(output)
  return found === null ? 0 : Number(found[2])
}

/**
 * Builds and runs them all. `ok` is false when a test failed; `reason` says why they were skipped
 * altogether, which is no failure: what they need beside g++ and make is not everywhere.
 */
export function testNative() {
  installDependencies()
  if (!needPrograms(cmakePrograms, { required: false })) {
    const reason = 'native unit tests skipped: they need cmake and doctest, which are not here'
    say(reason)
    return { ok: true, reason }
  }
  let ok = true
  const summary = []
  for (const { kind, program, name } of RUNS) {
    const result = runTests(kind, program)
    if (result.skipped !== undefined) {
      say(`native tests (${name}) skipped: ${result.skipped}`)
      summary.push(`${name}: skipped`)
      continue
    }
    const cases = count(result.output, 'test cases')
    if (!result.ok || cases === 0) {
      ok = false
      say(`${result.output}\nnative tests (${name}) failed: ${result.end}`)
      summary.push(`${name}: FAILED`)
      continue
    }
    for (const line of result.output.split('\n'))
      if (/\bskipped, |\bskipped: /.test(line)) say(line)
    summary.push(`${name}: ${cases} cases, ${count(result.output, 'assertions')} checks`)
  }
  say(`native tests ${ok ? 'passed' : 'FAILED'}: ${summary.join('; ')}`)
  return { ok }
}

function library(name) {
  const found = spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' })
  const path = (found.stdout ?? '').trim()
  return existsSync(path) ? path : undefined
}

/**
 * The addon with the address and undefined-behaviour sanitizers, for a suite in JavaScript: the
 * environment in which Node.js must be started. Undefined, with the reason printed, where it cannot
 * be built.
 */
export function sanitizedAddon() {
  installDependencies()
  const libraries = [library('libasan.so'), library('libstdc++.so.6')]
  if (!needPrograms(cmakePrograms, { required: false }) || libraries.includes(undefined)) {
    say('suites under the address sanitizer skipped: they need cmake, doctest and libasan')
    return undefined
  }
  return {
    EMUCXL_ADDON: join(compile('address'), 'Release', 'emucxl.node'),
    // libstdc++ too: else exceptions of Node.js's own are thrown past the sanitizer.
    LD_PRELOAD: libraries.join(':'),
    // Node.js leaves much to the end of the process: leaks are looked for in the unit tests.
    ASAN_OPTIONS: `${OPTIONS.ASAN_OPTIONS}:detect_leaks=0`,
    UBSAN_OPTIONS: OPTIONS.UBSAN_OPTIONS,
  }
}

if (isProgram(import.meta.url)) {
  const { ok } = testNative()
  if (process.argv.includes('--addon')) {
    const env = sanitizedAddon() ?? {}
    for (const [name, value] of Object.entries(env)) console.log(`${name}=${value}`)
  }
  process.exit(ok ? 0 : 1)
}
