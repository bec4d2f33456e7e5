// The device that the backend `device` is tested on, in every suite. Here, because this folder is
// compiled by itself.

import { existsSync } from 'node:fs'

const MODULE = '/dev/emucxl'

/** Whether the kernel module is loaded. */
export const hasModule = existsSync(MODULE)

/**
 * Without the module, a device that honours what the first paper's original can do, on one node: with
 * MAP_SHARED and offset 0 it gives zeroed pages.
 */
export const DEVICE = hasModule ? MODULE : '/dev/zero'
