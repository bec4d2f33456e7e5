// What runs the guest: KVM where a guest really boots on it, else QEMU's software emulation (TCG). A
// /dev/kvm that opens proves nothing: in a virtual machine it may be there and hang.

import { accessSync, constants } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { cacheFolder } from './cache.js'
import { runMachine } from './machine.js'
import type { Accelerator } from './qemu.js'

export interface Choice {
  accelerator: Accelerator
  /** Why it is not KVM. */
  reason?: string
}

const KVM = '/dev/kvm'
const PROBE_SECONDS = 8
const MEMORY = 512 * 2 ** 20

interface Boot {
  image: string
  initramfs: string
}

async function boots({ image, initramfs }: Boot): Promise<boolean> {
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() })
  const result = await runMachine({
    accelerator: 'kvm',
    cpus: 1,
    local: MEMORY,
    remote: MEMORY,
    image,
    initramfs,
    folders: [],
    command: { words: ['true'], folder: '/', env: {} },
    stdout: nothing,
    stderr: nothing,
    signal: AbortSignal.timeout(1000 * PROBE_SECONDS),
  }).catch(() => undefined)
  return result?.exitCode === 0
}

/** Chooses; a probe's result holds until the host boots again. */
export async function chooseAccelerator(boot: Boot, say: (text: string) => void): Promise<Choice> {
  try {
    accessSync(KVM, constants.R_OK | constants.W_OK)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const remedy = `may not be opened by this user: join the group that owns it (ls -l ${KVM})`
    return { accelerator: 'tcg', reason: `${KVM} ${missing ? 'is not there' : remedy}` }
  }
  const reason = `no guest boots on ${KVM} within ${PROBE_SECONDS} s; --accel kvm tries for longer`
  const thisBoot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
  const file = join(cacheFolder(), 'kvm-probe')
  const [probed, result] = (await readFile(file, 'utf8').catch(() => '')).split(' ')
  if (probed !== thisBoot.trim()) {
    say('Trying KVM')
    const works = await boots(boot)
    // Where the cache cannot be written, the next run tries again.
    await writeFile(file, `${thisBoot.trim()} ${works ? 'boots' : 'hangs'}`).catch(() => {})
    return works ? { accelerator: 'kvm' } : { accelerator: 'tcg', reason }
  }
  return result === 'boots' ? { accelerator: 'kvm' } : { accelerator: 'tcg', reason }
}
