// `emucxl info`: shows the machine as emucxl sees it.

import { DEVICE, show } from './look.js'

const NAME = 'emucxl info'

const HELP = `Usage: ${NAME} [OPTION…]

Shows this machine as emucxl sees it: NUMA nodes and which of them are local
and remote, backends and what keeps one from running, devices, and limits.
Needs no rights.

Options:
      --json           print one JSON document instead of text
      --device PATH    the device of the kernel module (default: ${DEVICE})
  -h, --help           show this
`

export async function run(args: readonly string[]): Promise<void> {
  await show(
    {
      name: NAME,
      help: HELP,
      take: async (device) => (await import('./inventory.js')).takeInventory(device),
      describe: async (report, width) => (await import('./info-text.js')).describe(report, width),
    },
    args,
  )
}
