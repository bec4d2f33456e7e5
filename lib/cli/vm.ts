// `emucxl vm`: a virtual machine with a local and a remote NUMA node, and /dev/emucxl, in which a
// command runs. Its own output goes to stderr, the command's to where the command sends it.

import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { byteSize, choice, parse, UsageError, wholeNumber } from './usage.js'

const NAME = 'emucxl vm'
const KERNELS = ['6.12', '6.1', 'debug'] as const
const ACCELERATORS = ['auto', 'kvm', 'tcg'] as const
const CACHE = 'EMUCXL_CACHE'

const HELP = `Usage: ${NAME} run [OPTION…] [--] COMMAND [ARGUMENT…]
       ${NAME} shell [OPTION…]
       ${NAME} clean

Runs a command, or a shell, in a virtual machine with two NUMA nodes, the second
without CPUs as a CXL expander is, and with the emucxl kernel module. It sees
the current folder by the same path, the running Node.js and a busybox. The
first run downloads a kernel from Debian and builds the module. EMUCXL_…,
NODE_OPTIONS, NODE_ENV, NO_COLOR and FORCE_COLOR are passed on; the standard
input of a command is empty.

Options:
      --local SIZE     memory of the local node (default: 4G)
      --remote SIZE    memory of the remote node (default: 8G)
      --cpus N         CPUs, all on the local node (default: at most 2)
      --kernel V       ${KERNELS.join(', ')} (default: ${KERNELS[0]}). debug is 6.12
                       with KASAN, lockdep and kmemleak, built in minutes, once
      --accel NAME     ${ACCELERATORS.join(', ')} (default: auto: KVM where it works)
      --module WORDS   parameters of the module, as 'remote_mb=1024'
      --no-module      without the module: no /dev/emucxl
      --console FILE   write the kernel's messages to a file
  -h, --help           show this

clean deletes what was downloaded and built: ${CACHE} or ~/.cache/emucxl.

Exit code: the command's; 1 if the machine fails, 2 for wrong usage.
`

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  local: { type: 'string' },
  remote: { type: 'string' },
  cpus: { type: 'string' },
  kernel: { type: 'string' },
  accel: { type: 'string' },
  module: { type: 'string' },
  'no-module': { type: 'boolean' },
  console: { type: 'string' },
} as const

const MIN_MEMORY = 512 * 2 ** 20
const MIB = 2 ** 20
const PASSED_ON = /^(EMUCXL_(?!CACHE$)\w+|NODE_OPTIONS|NODE_ENV|NO_COLOR|FORCE_COLOR)$/

function say(text: string): void {
  process.stderr.write(`emucxl: ${text}\n`)
}

function memorySize(option: string, text: string): number {
  const bytes = byteSize(NAME, option, text)
  if (bytes < MIN_MEMORY) throw new UsageError(`--${option} must be at least 512M`, NAME)
  return bytes - (bytes % MIB)
}

function consoleFile(path: string): string {
  try {
    writeFileSync(path, '')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UsageError(`--console ${path} cannot be written (${code})`, NAME)
  }
  return path
}

function passedOn(): Record<string, string> {
  const names = Object.keys(process.env).filter((name) => PASSED_ON.test(name))
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']))
}

/** The options end at the first word that is none: the rest is the command. */
function split(args: readonly string[]): { options: string[]; words: string[] } {
  let at = 0
  for (; at < args.length; at++) {
    const word = args[at] ?? ''
    if (word === '--') return { options: args.slice(0, at), words: args.slice(at + 1) }
    if (!word.startsWith('-')) break
    const name = word.slice(2)
    const takesValue = Object.hasOwn(OPTIONS, name) && OPTIONS[name as keyof typeof OPTIONS].type
    if (takesValue === 'string') at++
  }
  return { options: args.slice(0, at), words: args.slice(at) }
}

async function boot(words: readonly string[], options: readonly string[]): Promise<void> {
  const { values } = parse(NAME, options, OPTIONS)
  if (values.module !== undefined && values['no-module']) {
    throw new UsageError('--module and --no-module exclude each other', NAME)
  }
  const shell = words.length === 0
  if (shell && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new UsageError('a shell needs a terminal; run takes a command', NAME)
  }
  const machine = {
    kernel: choice(NAME, 'kernel', values.kernel ?? KERNELS[0], KERNELS),
    local: memorySize('local', values.local ?? '4G'),
    remote: memorySize('remote', values.remote ?? '8G'),
    cpus: wholeNumber(NAME, 'cpus', values.cpus ?? String(Math.min(2, availableParallelism()))),
    accelerator: choice(NAME, 'accelerator', values.accel ?? ACCELERATORS[0], ACCELERATORS),
  }
  const { runInAppliance } = await import('../../appliance/appliance.js')
  try {
    const result = await runInAppliance({
      ...machine,
      words,
      folder: process.cwd(),
      env: passedOn(),
      module: {
        load: !values['no-module'],
        parameters: values.module?.split(/\s+/).filter((word) => word !== '') ?? [],
      },
      terminal: shell ? process.stdin : undefined,
      onBooted: () => shell && process.stdin.setRawMode(true),
      consoleLog: values.console === undefined ? undefined : consoleFile(values.console),
      say,
    })
    process.exitCode = result.exitCode
  } finally {
    if (shell) {
      process.stdin.setRawMode(false)
      process.stdin.pause()
    }
  }
}

export async function run(args: readonly string[]): Promise<void> {
  const [word, ...rest] = args
  const { options, words } = split(rest)
  if (word === '--help' || word === '-h' || options.includes('--help') || options.includes('-h')) {
    process.stdout.write(HELP)
    return
  }
  switch (word) {
    case 'run':
      return boot(words, options)
    case 'shell':
      if (words[0] !== undefined) throw new UsageError(`unknown word '${words[0]}'`, NAME)
      return boot([], options)
    case 'clean': {
      const extra = rest[0]
      if (extra !== undefined) throw new UsageError(`unknown word '${extra}'`, NAME)
      const { cleanAppliance } = await import('../../appliance/appliance.js')
      say(`deleted ${await cleanAppliance()}`)
      return
    }
    default:
      throw new UsageError(
        word === undefined
          ? 'run, shell or clean?'
          : `unknown command '${word}'; there are run, shell, clean`,
        NAME,
      )
  }
}
