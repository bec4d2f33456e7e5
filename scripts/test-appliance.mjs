// npm run test:appliance: what needs two NUMA nodes, the kernel module, or both, in virtual machines.
//
//   npm run test:appliance                 everything
//   npm run test:appliance -- storm 6.1    the stages whose name has one of these words
//   npm run test:appliance -- debug        on a debug kernel: builds it, which takes minutes, once
//
//   EMUCXL_STRESS_SECONDS   how long the storm goes on; default 120
//   EMUCXL_SOAK             how long the memory rules go on; default 0.1
//
// Ends with the names of what failed, a table, and the line `N passed, N failed, N skipped`. A guest
// that fails as a machine, or whose kernel complains, fails its stage whatever its tests say.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { hasHome } from './node-gyp.mjs'
import { needPrograms, say } from './programs.mjs'
import { cache, root, run, setUp } from './setup.mjs'
import { Stages } from './stages.mjs'

const { positionals: words } = parseArgs({ allowPositionals: true })

/** A variable that must be a number above 0. */
function fromEnvironment(name, otherwise) {
  const number = Number(process.env[name] ?? otherwise)
  if (number > 0) return number
  say(`${name} must be a number above 0`)
  process.exit(2)
}

const STRESS_SECONDS = fromEnvironment('EMUCXL_STRESS_SECONDS', 120)
const SOAK = fromEnvironment('EMUCXL_SOAK', 0.1)
const GiB = 2 ** 30
const work = join(cache, 'appliance')
const programs = join(work, 'bin')

/** What a healthy kernel does not print. */
const COMPLAINTS =
  /WARNING:|BUG:|Oops|general protection|Kernel panic|lockdep is turned off|possible (circular|recursive) locking|kmemleak: \d+ new|KASAN|UBSAN|Bad page|rcu: INFO|soft lockup|hung task|blocked for more than/

function buildPrograms() {
  rmSync(programs, { recursive: true, force: true })
  mkdirSync(programs, { recursive: true })
  for (const name of [
    'paper',
    'device',
    'pages',
    'limits',
    'io',
    'fire',
    'race',
    'storm',
    'inject',
  ]) {
    const source = join(root, 'kmod/test', `${name}.c`)
    const flags = ['-D_GNU_SOURCE', '-std=gnu17', '-static', '-pthread', '-O2', '-Wall', '-Wextra']
    run('gcc', [...flags, '-Werror', '-o', join(programs, name), source])
  }
}

/** Text that goes on to the terminal as it comes, and is kept. */
class Kept extends Writable {
  text = ''
  constructor(seen) {
    super()
    this.seen = seen
  }

  _write(chunk, _encoding, done) {
    if (this.text === '') this.seen?.()
    this.text += chunk
    process.stdout.write(chunk, done)
  }
}

/** Minutes after which a guest has hung, though it may say that it is alive. */
const MINUTES = 30 + STRESS_SECONDS / 60

/** Runs a shell script in a guest. Returns its exit code, its output, and what failed of the guest. */
async function inGuest(name, script, options = {}) {
  const consoleLog = join(work, `${name.replaceAll(/\W+/g, '-')}.console`)
  rmSync(consoleLog, { force: true })
  const out = new Kept(options.seen)
  const errors = new Kept()
  const failures = []
  let exitCode
  try {
    const result = await runInAppliance({
      kernel: options.kernel ?? '6.12',
      local: options.local ?? 1.5 * GiB,
      remote: options.remote ?? 0.75 * GiB,
      cpus: 2,
      accelerator: 'auto',
      // Debian's kernels zero all pages otherwise.
      kernelArguments: ['init_on_alloc=0', ...(options.kernelArguments ?? [])],
      module: { load: true, parameters: [], sources: options.sources },
      words: ['sh', '-c', script],
      folder: root,
      moreFolders: options.moreFolders,
      env: { NO_COLOR: '1', ...options.env },
      stdout: out,
      stderr: errors,
      consoleLog,
      silentSeconds: options.silentSeconds,
      signal: AbortSignal.timeout(MINUTES * 60_000),
      say: (text) => say(`· ${text}`),
    })
    exitCode = result.exitCode
  } catch (error) {
    const late = error.name === 'TimeoutError'
    failures.push(late ? `not at its end after ${MINUTES} minutes` : error.message)
  }
  const complaints = (existsSync(consoleLog) ? readFileSync(consoleLog, 'utf8') : '')
    .split('\n')
    .filter((line) => COMPLAINTS.test(line))
  for (const line of complaints) failures.push(`the kernel says: ${line.trim()}`)
  return { exitCode, output: out.text, errors: errors.text, failures }
}

/** A stage of the module's own programs, which print `ok - …`, `not ok - …`, at the end `# N failed`. */
async function tap(name, commands, options) {
  const script = commands
    .map((line) => `echo "── ${basename(line)}"; ${line} || echo "not ok - ${line} ended with $?"`)
    .join('\n')
  const { exitCode, output, failures } = await inGuest(name, `cd ${programs}\n${script}`, options)
  if (exitCode !== undefined && exitCode !== 0) failures.push(`the script ended with ${exitCode}`)
  const failed = [...output.matchAll(/^not ok - (.*)$/gm)].map(([, text]) => text)
  const passed = [...output.matchAll(/^ok - /gm)].length
  if (passed === 0) failures.push('no test ran')
  const ended = [...output.matchAll(/^# \d+ failed$/gm)].length
  if (ended < commands.length) failures.push(`${commands.length - ended} programs did not end`)
  const all = [...failed, ...failures]
  return { passed, failed: all.length, skipped: 0, failures: all }
}

/** A stage of vitest, in the guest: the counts come back in a file of the shared folder. */
async function suites(name, files, options) {
  const counts = join(work, 'counts.json')
  rmSync(counts, { force: true })
  const reporters = `--reporter=default --reporter=${join(root, 'scripts/vitest-counts.mjs')}`
  const vitest = `node ${join(root, 'node_modules/vitest/vitest.mjs')} run --maxWorkers=3 ${reporters}`
  const limits = '--testTimeout=600000 --hookTimeout=600000'
  const { exitCode, output, failures } = await inGuest(name, `${vitest} ${limits} ${files}`, {
    ...options,
    env: {
      EMUCXL_COUNTS: counts,
      EMUCXL_BACKENDS: 'device,numa',
      EMUCXL_SLOWNESS: '10',
      ...options?.env,
    },
  })
  let found = { passed: 0, failed: 0, skipped: 0, failures: [] }
  try {
    found = JSON.parse(readFileSync(counts, 'utf8'))
  } catch {
    failures.push('the suites left no result')
  }
  for (const [line] of output.matchAll(/.*(does not run here|fuzz: no backend).*/g)) {
    failures.push(line.trim())
  }
  if (exitCode !== 0 && found.failed === 0) failures.push(`vitest ended with ${exitCode}`)
  if (found.passed === 0) failures.push('no test passed')
  found.failures.push(...failures)
  found.failed += failures.length
  return found
}

/** The store's policies are counted, not timed, which is the same everywhere: one of them will do. */
const BRIEFLY = '--runs 1 --processes 1 --count 2000 --size 16MiB --policies policy1'
const TCG = 'virtual machine under TCG: times mean nothing'

/** Runs `emucxl bench` in a guest. Returns what it printed, and what went wrong. */
async function benchInGuest(backend, more) {
  const bench = `node ${join(root, 'dist/lib/cli/main.js')} bench --backend ${backend}`
  const name = `bench-${backend}`
  const { exitCode, errors, failures, output } = await inGuest(name, `${bench} ${BRIEFLY} ${more}`)
  if (exitCode !== 0) failures.push(`emucxl bench ended with ${exitCode}`)
  return { output, errors, failures }
}

/** What is wrong with a report, which is to be of all experiments on two nodes. */
async function flaws(text, backend) {
  const report = JSON.parse(text)
  const { Ajv } = await import('ajv')
  const schema = JSON.parse(readFileSync(join(root, 'dist/schemas/bench.json'), 'utf8'))
  const validate = new Ajv({ strict: false }).compile(schema)
  const found = validate(report) ? [] : validate.errors.map(({ message }) => `schema: ${message}`)
  if (report.backend !== backend) found.push(`the backend is ${report.backend}`)
  const nodes = report.nodes.map(({ numaNode }) => numaNode).join()
  if (nodes !== '0,1') found.push(`the NUMA nodes are ${nodes}`)
  if (/TCG/.test(report.machine.virtualMachine) && !report.conditions.includes(TCG)) {
    found.push(`no "${TCG}"`)
  }
  const { EXPERIMENTS } = await import('../dist/bench/experiments.js')
  for (const { name } of EXPERIMENTS) {
    if (!(report.experiments[name]?.rows.length > 0)) found.push(`${name} has no rows`)
  }
  return found
}

/** All experiments on two nodes: that they run on both backends, and say what they are worth. */
async function measurement() {
  const printed = await benchInGuest('device', '')
  const wanted = [
    'backend device: local on NUMA node 0, remote on NUMA node 1',
    'Table III',
    'Table IV',
  ]
  const all = printed.output + printed.errors
  if (/QEMU TCG/.test(all)) wanted.push(TCG)
  const missing = wanted.filter((text) => !all.includes(text)).map((text) => `no "${text}"`)
  const saved = await benchInGuest('numa', '--json')
  const failures = [...printed.failures, ...missing, ...saved.failures]
  if (saved.failures.length === 0) failures.push(...(await flaws(saved.output, 'numa')))
  const failed = failures.length
  return { passed: failed === 0 ? 2 : 0, failed, skipped: 0, failures }
}

/** The process id of QEMU, the only child that this process has by then. */
function machine() {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
  return Number(children.trim())
}

/** The runner's own test: what fails in a guest must be seen here. */
async function planted() {
  const missed = []
  const expect = (what, seen) => {
    if (!seen) missed.push(`not seen: ${what}`)
  }
  const words = "echo 'not ok - planted'; echo '<4>WARNING: planted' >/dev/kmsg; sleep 1; exit 42"
  const { failures } = await tap('planted failures', [words])
  expect('a test that fails', failures.includes('planted'))
  expect(
    'a warning of the kernel',
    failures.some((line) => line.includes('WARNING: planted')),
  )
  expect('an exit code', failures.includes('the script ended with 42'))
  const env = { EMUCXL_TEST_BACKEND: 'none' }
  const suite = await suites('planted suite', 'test/rules/too-large.test.ts', { env })
  expect(
    'a suite that fails',
    suite.passed === 0 && suite.failures.some((line) => line.includes('beyond 4 GiB')),
  )
  const panics = await inGuest('planted panic', 'echo c >/proc/sysrq-trigger; sleep 60')
  expect(
    'a panic',
    panics.exitCode === undefined &&
      panics.failures.some((line) => /Kernel panic - not syncing/.test(line)),
  )
  // What befalls the machine once the guest has printed something.
  const befall = async (signal, what, says) => {
    const { exitCode, failures } = await inGuest(`planted ${signal}`, 'echo here; sleep 600', {
      seen: () => process.kill(machine(), signal),
      silentSeconds: 10,
    })
    expect(what, exitCode === undefined && failures.some((line) => says.test(line)))
  }
  await befall('SIGKILL', 'a machine that is killed', /SIGKILL/)
  await befall('SIGSTOP', 'a machine that hangs', /has hung/)
  return { passed: 7 - missed.length, failed: missed.length, skipped: 0, failures: missed }
}

/**
 * Ways to break the module, each of which its tests must find: what they say then, the file, and in it
 * texts and new ones.
 */
const FAULTS = {
  'pages that leak': [
    'sysfs counts no page and no object',
    ...['object.c', '\t\temucxl_page_put(page, object->order);\n', ''],
  ],
  'the wrong node': [
    '16 pages on node 1',
    ...['object.c', 'emucxl_page_alloc(object->node,', 'emucxl_page_alloc(0,'],
  ],
  'no zeroing': [
    'fresh memory is zeroed, whatever was in it',
    ...['object.c', '(zero ? __GFP_ZERO : 0)', '0'],
  ],
  'writes lost by a migration': [
    'O_DIRECT from it and into it, while it migrates',
    'range.c',
    ...[' && emucxl_freeze(page)', ''],
    ...['\t\t\temucxl_unfreeze(page);\n', ''],
  ],
  'a node that is not checked': [
    'node 99: EINVAL',
    ...['account.c', '\tif (id >= nr_node_ids)\n\t\treturn -EINVAL;\n', ''],
  ],
}

async function faults() {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
  for (const [fault, [says, file, ...edits]] of Object.entries(FAULTS)) {
    const sources = join(work, 'kmod')
    rmSync(sources, { recursive: true, force: true })
    cpSync(join(root, 'kmod'), sources, { recursive: true })
    let text = readFileSync(join(sources, file), 'utf8')
    for (let i = 0; i < edits.length; i += 2) {
      if (!text.includes(edits[i])) throw new Error(`kmod/${file} has no ${edits[i].trim()}`)
      text = text.replace(edits[i], edits[i + 1])
    }
    writeFileSync(join(sources, file), text)
    console.log(`\n── planted: ${fault}\n`)
    const env = { EMUCXL_STOP: '1' }
    const { passed, failures } = await tap('fault', ['./device && ./io'], { sources, env })
    const found = passed > 0 && failures.includes(says)
    counts[found ? 'passed' : 'failed']++
    if (!found) counts.failures.push(`not found: ${fault}`)
    console.log(`\n${fault}: ${found ? `found (${says})` : 'NOT FOUND'}`)
  }
  return counts
}

/** `make check`: the compiler with W=1, sparse, and checkpatch where it is there. */
async function warnings() {
  const rows = await Promise.all(
    ['6.12', '6.1'].map(async (version) => {
      const { headers } = await kernel(version, say)
      const sources = join(work, `kmod-${version}`)
      rmSync(sources, { recursive: true, force: true })
      cpSync(join(root, 'kmod'), sources, { recursive: true })
      try {
        const output = await command('make', ['-C', sources, 'check', `KDIR=${await headers(say)}`])
        const notes = output.split('\n').filter((line) => line.includes('not run'))
        console.log([`make check, Linux ${version}: no warning`, ...notes].join('\n'))
        return []
      } catch (error) {
        return [error.message]
      }
    }),
  )
  const failures = rows.flat()
  return { passed: 2 - failures.length, failed: failures.length, skipped: 0, failures }
}

/** The README's one command, as a user would run it, where the network is gone. */
function commandLine() {
  const script = 'echo here; ls package.json; echo there >&2; exit 7'
  const words = [join(root, 'dist/lib/cli/main.js'), 'vm', 'run', '--', 'sh', '-c', script]
  const began = performance.now()
  const offline = spawnSync('unshare', ['--map-root-user', '--net', 'true']).status === 0
  if (!offline) console.log('# with the network: this system does not let us take it away')
  const [program, ...args] = offline
    ? ['unshare', '--map-root-user', '--net', process.execPath]
    : [process.execPath]
  const { status, stdout, stderr } = spawnSync(program, [...args, ...words], {
    cwd: root,
    encoding: 'utf8',
  })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `${stderr}emucxl vm run: ended with ${status} after ${seconds} s, and said\n${stdout}`,
  )
  const failures = []
  if (status !== 7) failures.push(`emucxl vm run ended with ${status}, not the command's 7`)
  if (stdout !== 'here\npackage.json\n') failures.push('stdout is not the command’s alone')
  if (!stderr.includes('there\n')) failures.push('stderr is not the command’s')
  return { passed: failures.length === 0 ? 1 : 0, failed: failures.length, skipped: 0, failures }
}

/** stress-ng from Debian, with all that it needs: `run` is what runs it. */
async function stressNg() {
  const folder = await cached('stress-ng', (fresh) => {
    say('· Downloading stress-ng')
    return new Debian().unpackWhole('stress-ng', fresh)
  })
  const libraries = ['lib', 'usr/lib'].map((name) => join(folder, name, 'x86_64-linux-gnu'))
  const loader = join(folder, 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2')
  const program = join(folder, 'usr/bin/stress-ng')
  return { folder, run: `${loader} --library-path ${libraries.join(':')} ${program}` }
}

/** stress-ng's calls of all sorts, most of them wrong, beside our own, of which all must be right. */
async function storm() {
  const { folder, run: stress } = await stressNg()
  const seconds = Math.round(0.8 * STRESS_SECONDS)
  const words = `--dev 1 --dev-file /dev/emucxl --timeout ${seconds} --metrics-brief`
  writeFileSync(
    join(programs, 'storm.sh'),
    `${stress} ${words} >/tmp/stress-ng 2>&1 &
./storm ${STRESS_SECONDS} 1000
wait $! && echo 'ok - stress-ng --dev' || echo 'not ok - stress-ng --dev'
cat /tmp/stress-ng >&2
`,
  )
  return tap('storm', ['sh storm.sh'], { moreFolders: [folder] })
}

/**
 * What the module's tests do on the debug kernel, which checks all mappings of a process at each call.
 * The last line asks for memory that leaks.
 */
const DEBUG = [
  ...['./paper 300', './device', './pages', './limits', './io', './fire 30 4', './fire 10 8 huge'],
  ...['./race 20', './race 10 huge', './inject', './storm 60 50'],
  `sh ${join(root, 'kmod/test/load.sh')} /run/emucxl/emucxl.ko 20`,
  `sh ${join(root, 'kmod/test/leaks.sh')}`,
]

async function debug() {
  if (!words.includes('debug')) return 'takes long; npm run test:appliance -- debug'
  return tap('debug', DEBUG, {
    kernel: 'debug',
    local: 2 * GiB,
    // kmemleak reports at level 6.
    kernelArguments: ['kmemleak=on', 'loglevel=7', 'rcupdate.rcu_cpu_stall_timeout=300'],
  })
}

/** What they do on Debian's kernels. */
const MODULE = [
  ...['./paper', './device', './pages', './limits', './io'],
  ...['./fire 10 4', './fire 5 8 huge', './race 5', './race 5 huge'],
]

const stages = new Stages(words)
setUp()
if (!hasHome()) process.env.EMUCXL_CACHE ??= join(cache, 'emucxl')
const { runInAppliance } = await import('../dist/appliance/appliance.js')
const { cached } = await import('../dist/appliance/cache.js')
const { Debian } = await import('../dist/appliance/debian.js')
const { command } = await import('../dist/appliance/command.js')
const { kernel } = await import('../dist/appliance/kernel.js')
const { needHostPrograms } = await import('../dist/appliance/host.js')
await needHostPrograms()
needPrograms({ sparse: 'sparse' }, { required: false })
buildPrograms()
await stages.run('the runner sees failures', planted)
await stages.run('module, Linux 6.12', () => tap('module 6.12', MODULE))
await stages.run('module: planted faults are found', faults)
await stages.run('module, Linux 6.1', () => tap('module 6.1', MODULE, { kernel: '6.1' }))
await stages.run('module: no warnings', warnings)
await stages.run('emucxl vm run', commandLine)
await stages.run('device on the original module', () =>
  tap('original', [`node ${join(root, 'kmod/test/original.mjs')}`], {
    sources: join(root, 'kmod/test/original'),
  }),
)
await stages.run('measurement on two nodes', measurement)
// What has nothing to do with nodes is left out: what a system forbids, which is tried with python3.
const MEMORY = 'test/memory/ test/standard --exclude=**/forbidden-syscalls.test.ts'
// Of what is built on memory, the random tests, which use both nodes and fill them.
const MIDDLEWARE =
  'test/slab/slab-cache.model test/slab/slab-allocator.model test/queue/queue.model ' +
  'test/kv/kv-store.model test/kv/out-of-memory.model'
const FUZZ = 'test/fuzz/fuzz.test.ts'
await stages.run('suites on two nodes: memory, middleware, fuzz', () =>
  suites('memory', `${MEMORY} ${MIDDLEWARE} ${FUZZ}`, { env: { EMUCXL_FUZZ_RUNS: '200' } }),
)
for (const backend of ['device', 'numa']) {
  await stages.run(`suites on two nodes: rules, ${backend}`, () =>
    suites(`rules ${backend}`, 'test/rules/ --no-isolate', {
      local: 4 * GiB, // on the device, every page is real from the start
      env: { EMUCXL_TEST_BACKEND: backend, EMUCXL_SOAK: String(SOAK) },
    }),
  )
}
await stages.run('suites on two nodes: fuzz, Linux 6.1', () =>
  suites('fuzz', FUZZ, { kernel: '6.1', env: { EMUCXL_FUZZ_RUNS: '200' } }),
)
await stages.run('module: storm', storm)
await stages.run('module: load and unload', () =>
  tap('load', [`sh ${join(root, 'kmod/test/load.sh')} /run/emucxl/emucxl.ko 200`]),
)
await stages.run('module, debug kernel', debug)
process.exit(stages.end())
