// The appliance: everything from nothing to a command that runs in a guest with two NUMA nodes.

import { packageRoot } from '../lib/memory/host.js'
import { type Choice, chooseAccelerator } from './accelerator.js'
import { cacheFolder, clean } from './cache.js'
import { hostNodes, needHostPrograms } from './host.js'
import { image } from './image.js'
import { type KernelVersion, kernel, kernelModule, MODULE_SOURCES } from './kernel.js'
import { type Folder, type MachineResult, runMachine } from './machine.js'
import type { Accelerator, HostNodes } from './qemu.js'

export interface ApplianceOptions {
  kernel: KernelVersion
  /** The local node's memory, in bytes. */
  local: number
  /** The remote node's memory, in bytes. */
  remote: number
  cpus: number
  accelerator: Accelerator | 'auto'
  /** A program and its arguments; none is a shell on the terminal. */
  words: readonly string[]
  /** Where the command runs: visible in the guest, by the same path. */
  folder: string
  /** More folders that the guest sees, and cannot write to. */
  moreFolders?: readonly string[] | undefined
  env: Readonly<Record<string, string>>
  /** Parameters of the kernel module, `name=value`; without the module, /dev/emucxl is not there. */
  module?: { load: boolean; parameters: readonly string[]; sources?: string }
  /** Words for the kernel's command line. */
  kernelArguments?: readonly string[]
  stdout?: NodeJS.WritableStream
  stderr?: NodeJS.WritableStream
  terminal?: NodeJS.ReadStream | undefined
  onBooted?: (() => void) | undefined
  consoleLog?: string | undefined
  signal?: AbortSignal
  /** A guest from which nothing is heard for so long has hung. Default 180. */
  silentSeconds?: number | undefined
  /** Is told what is done, a line at a time. */
  say: (text: string) => void
}

const WITH_MODULE: NonNullable<ApplianceOptions['module']> = { load: true, parameters: [] }

/** Folders of the guest's own: one of the host's in their place would hide them. */
const OF_THE_GUEST =
  /^\/((bin|etc|lib\w*|run|sbin|usr|usr\/bin)?|(dev|modules|proc|run\/emucxl|sys)(\/.*)?)$/

/** The command's folder, and the package's, where that is not in it. */
function folders({ folder, moreFolders = [] }: ApplianceOptions): Folder[] {
  if (OF_THE_GUEST.test(folder)) {
    throw new Error(
      `${folder} cannot be shown in the guest, which has its own: go to another folder`,
    )
  }
  const inside = packageRoot === folder || packageRoot.startsWith(`${folder}/`)
  const others = inside ? moreFolders : [packageRoot, ...moreFolders]
  const all = [
    { path: folder, readonly: false },
    ...others.map((path) => ({ path, readonly: true })),
  ]
  return all.sort((a, b) => (a.path < b.path ? -1 : 1)) // one within another is mounted later
}

function announce({ accelerator, reason }: Choice, release: string, nodes?: HostNodes): string {
  const way = accelerator === 'kvm' ? 'with KVM' : 'under software emulation: times mean nothing'
  const why = reason === undefined ? '' : ` (${reason})`
  const where =
    nodes && `; its local memory is on node ${nodes.local} of the host, its remote memory`
  return `Booting Linux ${release} ${way}${why}${where ? `${where} on node ${nodes.remote}` : ''}`
}

/**
 * Builds what is missing, boots a guest and runs a command in it.
 * @throws {GuestError} the guest did not boot, hung, or ended without a report
 */
export async function runInAppliance(options: ApplianceOptions): Promise<MachineResult> {
  const { say } = options
  const visible = folders(options)
  await needHostPrograms()
  const chosen = await kernel(options.kernel, say)
  const { load, parameters, sources = MODULE_SOURCES } = options.module ?? WITH_MODULE
  const module = load ? await kernelModule(chosen, sources, say) : undefined
  const initramfs = await image(chosen, say)
  const boot = { image: chosen.image, initramfs }
  const choice: Choice =
    options.accelerator === 'auto'
      ? await chooseAccelerator(boot, say)
      : { accelerator: options.accelerator }
  const nodes = hostNodes()
  say(announce(choice, chosen.release, nodes))
  return runMachine({
    ...boot,
    accelerator: choice.accelerator,
    cpus: options.cpus,
    local: options.local,
    remote: options.remote,
    hostNodes: nodes,
    kernelArguments: options.kernelArguments,
    folders: visible,
    command: { words: options.words, folder: options.folder, env: options.env },
    module: module === undefined ? undefined : { file: module, parameters },
    stdout: options.stdout ?? process.stdout,
    stderr: options.stderr ?? process.stderr,
    terminal: options.terminal,
    onBooted: options.onBooted,
    consoleLog: options.consoleLog,
    signal: options.signal,
    silentSeconds: options.silentSeconds,
  })
}

/** Deletes all that was downloaded and built, and nothing else; returns the folder. */
export async function cleanAppliance(): Promise<string> {
  await clean()
  return cacheFolder()
}
