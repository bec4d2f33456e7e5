// npm test: sets up, then lint, the suites on the running Node.js, the native tests, the suites on
// the other supported versions, without libnuma, and on the sanitizers' build.
//
//   npm test                       everything
//   npm test -- --quick            on the running Node.js alone, without the slow stages
//   npm test -- test/memory free   the test files whose path has one of these words
//
// Ends with the names of the tests that failed, a table, and the line `N passed, N failed, N skipped`.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { major, NODE_VERSIONS, noBinaries, nodeBinary } from './nodes.mjs'
import { prebuild } from './prebuild.mjs'
import { cache, root, setUp } from './setup.mjs'
import { sanitizedAddon, testNative } from './test-native.mjs'
import { withoutLibnuma } from './without-libnuma.mjs'

const { values, positionals: patterns } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const started = performance.now()
const stages = []
const NONE = { passed: 0, failed: 0, skipped: 0 }
const PASSED = { ...NONE, passed: 1 }
const FAILED = { ...NONE, failed: 1 }

function clock(ms) {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Runs a stage; `body` returns its counts, or a string: why it does not run here. */
async function stage(name, body) {
  const began = performance.now()
  console.log(`\n── ${name} ── at ${clock(began - started)}\n`)
  let counts
  try {
    counts = await body()
  } catch (error) {
    console.error(error)
    counts = FAILED
  }
  const ms = performance.now() - began
  const row = typeof counts === 'string' ? { ...NONE, reason: counts } : counts
  stages.push({ name, ms, ...row })
  console.log(`\n${name}: ${row.reason === undefined ? clock(ms) : `not run: ${row.reason}`}`)
}

/** A command that passes or fails as a whole. */
function command(script) {
  if (!existsSync(join(root, script))) return `${script} is not there`
  const result = spawnSync(process.execPath, [join(root, script)], { cwd: root, stdio: 'inherit' })
  return result.status === 0 ? PASSED : FAILED
}

function vitest({
  node = process.execPath,
  prefix = [],
  env = {},
  files = patterns,
  exclude = [],
  mayBeNone = false,
}) {
  const report = join(cache, 'vitest-counts.json')
  mkdirSync(cache, { recursive: true })
  rmSync(report, { force: true })
  const reporters = ['default', join(root, 'scripts/vitest-counts.mjs')]
  const words = [
    ...prefix,
    node,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...reporters.map((reporter) => `--reporter=${reporter}`),
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    ...(mayBeNone ? ['--passWithNoTests'] : []),
    ...files,
  ]
  const result = spawnSync(words[0], words.slice(1), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env, EMUCXL_COUNTS: report },
  })
  if (!existsSync(report)) return FAILED
  const counts = JSON.parse(readFileSync(report, 'utf8'))
  if (result.status !== 0 && counts.failed === 0) counts.failed = 1
  return counts
}

function onVersion(version) {
  const reason = noBinaries()
  if (reason !== undefined) return reason
  return vitest({ node: nodeBinary(version), exclude: ONCE, mayBeNone: patterns.length > 0 })
}

function memoryWithoutLibnuma() {
  const { command: prefix, reason } = withoutLibnuma()
  return reason ?? vitest({ ...MEMORY, prefix })
}

function nativeTests() {
  const { ok, reason } = testNative()
  return reason ?? (ok ? PASSED : FAILED)
}

function memorySanitized() {
  const env = sanitizedAddon()
  return env === undefined ? 'the addon cannot be built with them here' : vitest({ ...MEMORY, env })
}

function table() {
  const heads = ['stage', 'passed', 'failed', 'skipped', 'time']
  const rows = stages.map((row) =>
    row.reason === undefined
      ? [row.name, row.passed, row.failed, row.skipped, clock(row.ms)].map(String)
      : [row.name, '–', '–', '–', `not run: ${row.reason}`],
  )
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (column < 4 ? row[column].length : 0))),
  )
  for (const row of [heads, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : column < 4 ? cell.padStart(widths[column]) : cell,
    )
    console.log(cells.join('  '))
  }
}

const RUNNING = `Node.js ${process.versions.node}`
const OTHERS = NODE_VERSIONS.filter((version) => major(version) !== major(process.versions.node))

// Not once more on each version: they start the versions themselves, are about sequences of calls
// rather than versions, or about the command's output.
const ONCE = ['test/package/**', 'test/fuzz/**', 'test/cli/**']

// The suites that are run once more without libnuma, and once more on the sanitizers' build. What a
// system forbids is not for either: that is about libnuma, and ASan makes mlock do nothing.
const MEMORY = {
  files: ['test/memory/', 'test/rules/'],
  exclude: ['**/forbidden-syscalls.test.ts'],
}

setUp()
prebuild()
if (patterns.length === 0) await stage('lint', () => command('scripts/lint.mjs'))
await stage(`tests, ${RUNNING}`, () => vitest({ env: { EMUCXL_QUICK: values.quick ? '1' : '' } }))
if (patterns.length === 0) await stage('native tests', nativeTests)
if (!values.quick) {
  for (const version of OTHERS) {
    await stage(`tests, Node.js ${version}`, () => onVersion(version))
  }
}
if (!values.quick && patterns.length === 0) {
  await stage('memory suites, without libnuma.so.1', memoryWithoutLibnuma)
  await stage('memory suites, address and undefined-behaviour sanitizers', memorySanitized)
}

console.log('')
for (const { name, failures = [] } of stages) {
  for (const failure of failures) console.log(`failed in ${name}: ${failure}`)
}
table()
const sum = (key) => stages.reduce((total, row) => total + row[key], 0)
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exit(sum('failed') === 0 ? 0 : 1)
