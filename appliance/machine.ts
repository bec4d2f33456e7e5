// Runs one guest: boots it, passes on what its command prints, and tells its exit code. A guest that
// does not boot, hangs, panics or ends without a report is an error, with its last messages.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { packageRoot } from '../lib/memory/host.js'
import { type MachineParts, missesWrites, QEMU, qemuArguments, type Share } from './qemu.js'

export interface Folder {
  /** The same in the guest as on the host. */
  path: string
  readonly: boolean
}

export interface GuestCommand {
  /** The program and its arguments; none is a shell on the terminal. */
  words: readonly string[]
  folder: string
  env: Readonly<Record<string, string>>
}

export interface MachineOptions extends Omit<MachineParts, 'shares' | 'sockets'> {
  folders: readonly Folder[]
  command: GuestCommand
  /** emucxl.ko, and its parameters; without it, /dev/emucxl is not there. */
  module?: { file: string; parameters: readonly string[] } | undefined
  stdout: NodeJS.WritableStream
  stderr: NodeJS.WritableStream
  /** The terminal that a shell gets, once the guest has booted. */
  terminal?: NodeJS.ReadStream | undefined
  onBooted?: (() => void) | undefined
  /** Where the kernel's messages go, besides the end of them that an error quotes. */
  consoleLog?: string | undefined
  signal?: AbortSignal | undefined
  /** A guest from which nothing is heard for so long has hung. Default 180. */
  silentSeconds?: number | undefined
}

export interface MachineResult {
  exitCode: number
  /** Seconds from the start of QEMU until the command ran. */
  bootSeconds: number
}

/** A guest that failed as a machine, whatever its command did. */
export class GuestError extends Error {}

const BOOT_SECONDS = 300
const SILENT_SECONDS = 180
const TAIL_LINES = 30
const TAIL_BYTES = 1 << 16

/**
 * What QEMU is started by: it ends with this process, however that ends; and on a host with several
 * nodes, the guest's CPUs run on the one that its local memory is on.
 */
function starters({ hostNodes }: MachineOptions): string[] {
  const bound = ['setpriv', '--pdeathsig', 'KILL']
  if (hostNodes === undefined) return bound
  const list = readFileSync(`/sys/devices/system/node/node${hostNodes.local}/cpulist`, 'utf8')
  return list.trim() === '' ? bound : [...bound, 'taskset', '--cpu-list', list.trim()]
}

/** In the guest. */
const MODULE = '/run/emucxl/emucxl.ko'

/** A word of a shell command. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** What /init reads: which folders to mount, and how to run the command. */
function settings(options: MachineOptions, shares: readonly Share[]): string {
  const { module, terminal } = options
  const lines = shares.map(
    ({ tag, path, readonly }) =>
      `share ${tag} ${quote(path)} ${readonly ? 'cache=loose,ro' : 'cache=mmap'}`,
  )
  if (module !== undefined) {
    const parameters = module.parameters.join(' ')
    const refusal = quote(`cannot load the emucxl module ${parameters}`.trim())
    lines.push(`insmod ${MODULE} ${module.parameters.map(quote).join(' ')} || fail ${refusal}`)
    lines.push('chgrp emucxl /dev/emucxl')
  }
  lines.push('ln -s /run/emucxl/emucxl /bin/emucxl')
  lines.push(`mode=${terminal === undefined ? 'piped' : 'interactive'}`)
  if (terminal !== undefined) {
    const { columns, rows } = process.stdout
    lines.push(`rows=${rows} columns=${columns}`)
  }
  return `${lines.join('\n')}\n`
}

/** In the guest: what Node.js begins with there. */
const LIFTOFF = '/run/emucxl/liftoff-only.cjs'
const LIFTOFF_TEXT = `// Code of WebAssembly is written once, and not optimised by other threads while it
// runs: QEMU's emulation would run what is there no longer.
require('node:v8').setFlagsFromString('--liftoff-only')
`

/** The environment of the guest's command. */
function environment(env: GuestCommand['env'], liftoffOnly: boolean): GuestCommand['env'] {
  if (!liftoffOnly) return env
  const { NODE_OPTIONS = '' } = env
  return { ...env, NODE_OPTIONS: `--require=${LIFTOFF} ${NODE_OPTIONS}`.trim() }
}

function commandFile({ words, folder, env }: GuestCommand): string {
  const lines = ['#!/bin/sh', `cd ${quote(folder)} || exit 125`]
  for (const [name, text] of Object.entries(env)) lines.push(`export ${name}=${quote(text)}`)
  lines.push(`exec ${words.length === 0 ? 'sh -l' : words.map(quote).join(' ')}`)
  return `${lines.join('\n')}\n`
}

/** This package's command, for the guest. */
function emucxlFile(): string {
  return `#!/bin/sh\nexec node ${quote(join(packageRoot, 'dist/lib/cli/main.js'))} "$@"\n`
}

/** Where a kernel begins to say what is wrong. */
const TROUBLE = /Kernel panic|BUG:|Oops|general protection|Out of memory/

/** The end of a text that keeps coming. */
class Tail {
  #text = ''

  add(chunk: Buffer): void {
    this.#text = (this.#text + chunk.toString('utf8')).slice(-TAIL_BYTES)
  }

  /** The lines that tell most: from the first that tells of trouble, else the last. */
  lines(): string {
    const lines = this.#text.replaceAll('\r', '').trimEnd().split('\n')
    const trouble = lines.findIndex((line) => TROUBLE.test(line))
    const from = trouble < 0 ? Math.max(0, lines.length - TAIL_LINES) : trouble
    return lines
      .slice(from, from + TAIL_LINES)
      .map((line) => `  ${line}`)
      .join('\n')
  }

  get empty(): boolean {
    return this.#text.trim() === ''
  }
}

/** What the guest has reported on its last serial line. */
class Report {
  readonly #began = performance.now()
  readonly #onBooted: () => void
  readonly #silentSeconds: number
  #heard = this.#began
  #rest = ''
  connected = false
  bootSeconds = Number.NaN
  exitCode: number | undefined
  /** What the guest could not do before it came to the command. */
  failure: string | undefined

  constructor(onBooted: () => void, silentSeconds = SILENT_SECONDS) {
    this.#onBooted = onBooted
    this.#silentSeconds = silentSeconds
  }

  add(chunk: Buffer): void {
    this.#heard = performance.now()
    const lines = (this.#rest + chunk.toString('utf8')).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [word, ...rest] = line.trim().split(' ')
      if (word === 'booted') {
        this.bootSeconds = (this.#heard - this.#began) / 1000
        this.#onBooted()
      }
      if (word === 'exit') this.exitCode = Number(rest[0])
      if (word === 'failed') this.failure = rest.join(' ')
    }
  }

  /** Why the guest is given up, if it is. */
  overdue(): string | undefined {
    const silent = (performance.now() - this.#heard) / 1000
    if (Number.isNaN(this.bootSeconds)) {
      return silent > BOOT_SECONDS ? `did not boot in ${BOOT_SECONDS} s` : undefined
    }
    if (silent <= this.#silentSeconds) return undefined
    return `has hung: no sign of life for ${this.#silentSeconds} s`
  }
}

/** A serial line: a socket that QEMU connects to. */
class Line {
  readonly #server: Server
  /** When all that the guest wrote is through. */
  readonly closed: Promise<void>

  private constructor(server: Server, closed: Promise<void>) {
    this.#server = server
    this.closed = closed
  }

  static async open(path: string, connected: (socket: Socket) => void): Promise<Line> {
    let close = (): void => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    const server = createServer((socket) => {
      socket.once('close', close).on('error', () => {})
      connected(socket)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve)
    })
    return new Line(server, closed)
  }

  close(): void {
    this.#server.close()
  }
}

/** QEMU's end: what it returned, or the name of the signal that ended it. */
function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
}

/**
 * Boots a guest, runs its command, and waits for its end.
 * @throws {GuestError} the guest failed
 */
export async function runMachine(options: MachineOptions): Promise<MachineResult> {
  // A socket's path is at most 107 bytes long.
  const base = tmpdir().length > 80 ? '/tmp' : tmpdir()
  const work = await mkdtemp(join(base, 'emucxl-vm-'))
  const lines: Line[] = []
  const clean = (): void => rmSync(work, { recursive: true, force: true })
  process.once('exit', clean) // an interrupt ends the process in the middle
  try {
    return await runIn(work, options, lines)
  } finally {
    for (const line of lines) line.close()
    process.removeListener('exit', clean)
    clean()
  }
}

/** Passes on what comes, and goes on reading where nobody wants it any more. */
function passOn(socket: Socket, to: NodeJS.WritableStream): void {
  socket.pipe(to, { end: false })
  const drain = (): void => {
    socket.resume()
  }
  to.once('unpipe', drain)
  socket.once('close', () => to.removeListener('unpipe', drain))
}

async function runIn(work: string, options: MachineOptions, lines: Line[]): Promise<MachineResult> {
  const { stdout, stderr, terminal, signal } = options
  signal?.throwIfAborted()
  const folders = options.folders.map((folder, index) => ({ ...folder, tag: `folder${index}` }))
  const run = join(work, 'run')
  await mkdir(run)
  await writeFile(join(run, 'settings'), settings(options, folders))
  const liftoffOnly = await missesWrites(options.accelerator, options.cpus)
  const env = environment(options.command.env, liftoffOnly)
  await writeFile(join(run, 'command'), commandFile({ ...options.command, env }), { mode: 0o755 })
  await writeFile(join(run, basename(LIFTOFF)), LIFTOFF_TEXT)
  await writeFile(join(run, 'emucxl'), emucxlFile(), { mode: 0o755 })
  if (options.module) await copyFile(options.module.file, join(run, 'emucxl.ko'))

  const tail = new Tail()
  const log = options.consoleLog === undefined ? undefined : openSync(options.consoleLog, 'w')
  let child: ChildProcess | undefined
  let given: string | undefined
  const giveUp = (why: string): void => {
    given ??= why
    child?.kill('SIGKILL')
  }
  let commandLine: Socket | undefined
  const report = new Report(() => {
    if (commandLine !== undefined) terminal?.pipe(commandLine)
    options.onBooted?.()
  }, options.silentSeconds)
  const connected: ((socket: Socket) => void)[] = [
    (socket) =>
      socket.on('data', (chunk: Buffer) => {
        tail.add(chunk)
        try {
          if (log !== undefined) writeSync(log, chunk)
        } catch (error) {
          giveUp(
            `was stopped: ${options.consoleLog} cannot be written (${(error as Error).message})`,
          )
        }
      }),
    (socket) => {
      commandLine = socket
      passOn(socket, stdout)
    },
    (socket) => passOn(socket, stderr),
    (socket) => {
      report.connected = true
      socket.on('data', (chunk: Buffer) => report.add(chunk))
    },
  ]
  for (const [index, handler] of connected.entries()) {
    lines.push(await Line.open(join(work, String(index)), handler))
  }

  const shares = [{ tag: 'emucxl', path: run, readonly: true }, ...folders]
  const words = [
    ...starters(options),
    QEMU,
    ...qemuArguments({ ...options, shares, sockets: work }),
  ]
  const [program, ...args] = words as [string, ...string[]]
  child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const watch = setInterval(() => {
    const why = report.overdue()
    if (why !== undefined) giveUp(why)
  }, 1000)
  const abort = (): void => giveUp('was stopped')
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const status = await ended(child)
    if (report.connected) await Promise.all(lines.map((line) => line.closed))
    signal?.throwIfAborted()
    if (given === undefined && report.exitCode !== undefined) {
      return { exitCode: report.exitCode, bootSeconds: report.bootSeconds }
    }
    if (given === undefined && tail.empty) {
      throw new GuestError(`QEMU failed (${status}):\n${complaint.trimEnd()}`)
    }
    const what =
      given ??
      report.failure ??
      `ended without a report (${status})${complaint && `: ${complaint.trimEnd()}`}`
    throw new GuestError(`the guest ${what}. Its last messages:\n${tail.lines()}`)
  } finally {
    clearInterval(watch)
    signal?.removeEventListener('abort', abort)
    terminal?.unpipe()
    if (log !== undefined) closeSync(log)
  }
}
