#!/usr/bin/env node
// The `emucxl` command: finds the subcommand, and turns what became of it into an exit code. What a
// command needs is loaded when it runs, so that help is quick and there where the addon is not.

import { packageVersion } from '../memory/host.js'
import { isReaderNeeded } from './reader.js'
import { UsageError } from './usage.js'

interface Command {
  /** Returns when everything is printed. Throws a UsageError for words it does not know. */
  run(args: readonly string[]): Promise<void>
}

const COMMANDS: Record<string, () => Promise<Command>> = {
  info: () => import('./info.js'),
  doctor: () => import('./doctor.js'),
  bench: () => import('./bench.js'),
  report: () => import('./report.js'),
  vm: () => import('./vm.js'),
}

const HELP = `Usage: emucxl COMMAND [OPTION…]

Memory on a chosen NUMA node, CXL expanders among them, and what it costs.

Commands:
  info     show nodes, backends and devices, and what keeps one from running
  doctor   tell what is good here and what is not, and the command that mends it
  bench    measure local against remote memory
  report   make a page for the browser of what bench --json printed
  vm       run a command in a virtual machine with two NUMA nodes

Options:
  -h, --help       show this, or with a command its own help
      --version    show the version

Exit codes: 0 done, 1 failed, 2 wrong usage.
`

const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** Signals that end the command, with the exit code that a shell gives for each. */
const ENDINGS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

async function dispatch(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args
  if (word === '--help' || word === '-h') {
    process.stdout.write(HELP)
    return EXIT.done
  }
  if (word === '--version') {
    process.stdout.write(`${packageVersion()}\n`)
    return EXIT.done
  }
  if (word === undefined) {
    process.stderr.write(HELP)
    return EXIT.usage
  }
  const load = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  if (load === undefined) {
    throw new UsageError(
      word.startsWith('-')
        ? `unknown option '${word}'`
        : `unknown command '${word}'; there are ${Object.keys(COMMANDS).join(', ')}`,
    )
  }
  await (await load()).run(rest)
  return process.exitCode === undefined ? EXIT.done : Number(process.exitCode)
}

function report(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`emucxl: ${error.message}\nTry '${error.command} --help'.\n`)
    return EXIT.usage
  }
  const { code, message } = error as { code?: string; message?: string }
  const [first, ...more] = (message ?? String(error)).split('\n')
  const named = code === undefined ? first : `${first} [${code}]`
  process.stderr.write(`emucxl: ${[named, ...more].join('\n')}\n`)
  return EXIT.failed
}

// A reader who has seen enough (`| head`) is no failure; a disk that is full is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  const { code } = error
  if (code !== 'EPIPE' && code !== 'ERR_STREAM_DESTROYED') process.exit(report(error))
  if (isReaderNeeded()) process.exit(EXIT.done)
})
process.stderr.on('error', () => {})
for (const [signal, code] of Object.entries(ENDINGS)) process.on(signal, () => process.exit(code))

process.exitCode = await dispatch(process.argv.slice(2)).catch(report)
