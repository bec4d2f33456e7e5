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
import { FAILED, PASSED, Stages } from './stages.mjs'
import { sanitizedAddon, testNative } from './test-native.mjs'
import { withoutLibnuma } from './without-libnuma.mjs'

const { values, positionals: patterns } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const stages = new Stages()

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

const RUNNING = `Node.js ${process.versions.node}`
const OTHERS = NODE_VERSIONS.filter((version) => major(version) !== major(process.versions.node))

// Not once more on each version: they start the versions themselves, are about sequences of calls
// rather than versions, or about the command's output and the report in a browser.
const ONCE = ['test/package/**', 'test/fuzz/**', 'test/cli/**', 'test/page/**']

// The suites that are run once more without libnuma, and once more on the sanitizers' build. What a
// system forbids is not for either: that is about libnuma, and ASan makes mlock do nothing.
const MEMORY = {
  files: ['test/memory/', 'test/rules/'],
  exclude: ['**/forbidden-syscalls.test.ts'],
}

setUp()
prebuild()
if (patterns.length === 0) await stages.run('lint', () => command('scripts/lint.mjs'))
await stages.run(`tests, ${RUNNING}`, () =>
  vitest({ env: { EMUCXL_QUICK: values.quick ? '1' : '' } }),
)
if (patterns.length === 0) await stages.run('native tests', nativeTests)
if (!values.quick) {
  for (const version of OTHERS) {
    await stages.run(`tests, Node.js ${version}`, () => onVersion(version))
  }
}
if (!values.quick && patterns.length === 0) {
  await stages.run('memory suites, without libnuma.so.1', memoryWithoutLibnuma)
  await stages.run('memory suites, address and undefined-behaviour sanitizers', memorySanitized)
}

process.exit(stages.end())
