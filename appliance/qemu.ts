// QEMU's command line: a machine with two NUMA nodes, of which the second has memory alone.

import { join } from 'node:path'
import { command } from './command.js'

export const QEMU = 'qemu-system-x86_64'

/** What runs the guest's instructions. */
export type Accelerator = 'kvm' | 'tcg'

export interface Share {
  /** What the guest mounts it by. */
  tag: string
  /** A folder of the host. */
  path: string
  readonly: boolean
}

/** Nodes of the host that the guest's two nodes get their memory from. */
export interface HostNodes {
  local: number
  remote: number
}

export interface MachineParts {
  accelerator: Accelerator
  cpus: number
  /** Bytes. */
  local: number
  /** Bytes. */
  remote: number
  hostNodes?: HostNodes | undefined
  image: string
  initramfs: string
  /** Words for the kernel's command line. */
  kernelArguments?: readonly string[] | undefined
  shares: readonly Share[]
  /** Folder with the four sockets that the serial lines are connected to: `0` to `3`. */
  sockets: string
}

export const SERIAL_LINES = 4

/**
 * Under TCG, QEMU 7.2 runs cmpxchg16b so that 6.12 kernels crash at random: without the instruction
 * they use a lock. And it moves strings byte by byte, which kernels and C libraries prefer for whole
 * pages where the CPU says that it is fast (erms, fsrm).
 */
const CPU = { kvm: 'host', tcg: 'max,cx16=off,erms=off,fsrm=off' } as const

/** The first QEMU that was seen to run code right that another CPU of the guest writes meanwhile. */
const QEMU_THAT_SEES_WRITES = 10

/**
 * Whether a program must not write code on one CPU while another one runs code nearby. TCG of QEMU 7.2
 * then runs what is there no longer: the program ends with SIGSEGV or SIGILL. V8 does it where it
 * optimises WebAssembly, with which Node.js reads CommonJS modules.
 */
export async function missesWrites(accelerator: Accelerator, cpus: number): Promise<boolean> {
  if (accelerator === 'kvm' || cpus === 1) return false
  const [, major] = /version (\d+)\./.exec(await command(QEMU, ['--version'])) ?? []
  return !(Number(major) >= QEMU_THAT_SEES_WRITES)
}

const KERNEL_ARGUMENTS = [
  'console=ttyS0',
  'loglevel=5', // warnings, too
  'panic=-1',
  'oops=panic',
  'rdinit=/init',
  'cryptomgr.notests',
  'random.trust_cpu=on',
]

/** A comma ends a value of QEMU's options; a doubled one is a comma. */
function value(text: string): string {
  return text.replaceAll(',', ',,')
}

function memory(id: string, bytes: number, hostNode: number | undefined): string {
  const bound = hostNode === undefined ? '' : `,host-nodes=${hostNode},policy=bind`
  return `memory-backend-ram,id=${id},size=${bytes}${bound}`
}

/** The words after `qemu-system-x86_64`. */
export function qemuArguments(parts: MachineParts): string[] {
  const { accelerator, cpus, local, remote, hostNodes } = parts
  const slow = accelerator === 'tcg' ? ['mitigations=off', 'tsc=reliable'] : []
  const append = [...KERNEL_ARGUMENTS, ...slow, ...(parts.kernelArguments ?? [])]
  const args = [
    ['-machine', 'q35'],
    ['-accel', accelerator === 'tcg' ? 'tcg,thread=multi' : 'kvm'],
    ['-cpu', CPU[accelerator]],
    ['-smp', String(cpus)],
    ['-m', `${Math.round((local + remote) / 2 ** 20)}M`],
    ['-object', memory('local', local, hostNodes?.local)],
    ['-object', memory('remote', remote, hostNodes?.remote)],
    ['-numa', `node,nodeid=0,memdev=local,cpus=0-${cpus - 1}`],
    ['-numa', 'node,nodeid=1,memdev=remote'],
    ['-numa', 'dist,src=0,dst=1,val=20'],
    ['-kernel', parts.image],
    ['-initrd', parts.initramfs],
    ['-append', append.join(' ')],
    ['-nodefaults'],
    ['-no-user-config'],
    ['-no-reboot'],
    ['-display', 'none'],
  ]
  for (let line = 0; line < SERIAL_LINES; line++) {
    const path = value(join(parts.sockets, String(line)))
    args.push(
      ['-chardev', `socket,id=line${line},path=${path}`],
      ['-serial', `chardev:line${line}`],
    )
  }
  for (const { tag, path, readonly } of parts.shares) {
    const mode = readonly ? ',readonly=on' : ''
    args.push(
      ['-fsdev', `local,id=${tag},path=${value(path)},security_model=none,multidevs=remap${mode}`],
      ['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
    )
  }
  return args.flat()
}
