// Checks of the kernel module's device.

import { join } from 'node:path'
import { packageRoot } from '../../memory/host.js'
import { type Check, type Examined, type Found, found } from './findings.js'
import { asRoot, restarted } from './remedies.js'

/** How a user who may not open the device comes to it. */
function admission({ info: { device }, system }: Examined): { how: string; remedy?: string } {
  if (system.container !== null) {
    const remedy = restarted(system, `--device ${device.path}`)
    return remedy === undefined ? { how: '' } : { how: '. Give it to the container:', remedy }
  }
  const group = device.owner?.split(':')[1] ?? 'root'
  if (group !== 'root') {
    const remedy = asRoot(system, `usermod -aG ${group} "$USER"`)
    return { how: '. Join its group, then log in again:', remedy }
  }
  const steps = [
    `make -C '${join(packageRoot, 'kmod')}' rules`,
    'udevadm trigger --name-match=emucxl',
  ]
  return {
    how: '. No rule of udev gives it a group:',
    remedy: steps.map((step) => asRoot(system, step)).join(' && '),
  }
}

function checkPresent(examined: Examined): Found[] {
  const { device, addon, backends } = examined.info
  const named = `${device.path} (${device.mode} ${device.owner})`
  if (device.opens) {
    const refused = backends.find(({ name }) => name === 'device')?.reason ?? null
    return addon.loaded && refused !== null
      ? [found('device', 'problem', refused)]
      : [found('device', 'good', `${named} can be opened`)]
  }
  if (!device.reason?.startsWith('may not')) {
    return [found('device', 'problem', `${named} ${device.reason}`)]
  }
  const { how, remedy } = admission(examined)
  return [found('device', 'problem', `${named} may not be opened by this user${how}`, remedy)]
}

const checkDevice: Check = (examined) => {
  const { info, system } = examined
  const { path, present } = info.device
  if (present) return checkPresent(examined)
  if (system.module.loaded) {
    const text = `the kernel module is loaded, and ${path} is not shown here`
    return [found('device', 'note', text, restarted(system, `--device ${path}`))]
  }
  if (system.module.installed) {
    const text = `${path} is not there: the kernel module is installed, and not loaded`
    return [found('device', 'note', text, asRoot(system, 'modprobe emucxl'))]
  }
  const text = `${path} is not there: no kernel module, which the backend device alone needs`
  return [found('device', 'good', text)]
}

export const DEVICE_CHECKS: readonly Check[] = [checkDevice]
