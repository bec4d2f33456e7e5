// `emucxl doctor`: tells what is good on this machine, what is not, and the command that mends it.

import { DEVICE, show } from './look.js'

const NAME = 'emucxl doctor'

const HELP = `Usage: ${NAME} [OPTION…]

Examines this machine: NUMA nodes, libnuma, system calls that a container
forbids, the kernel module, CXL and dax devices, what the kernel moves by
itself, huge pages, swap, limits of Node.js. Each line is ok, a note, or a
PROBLEM, with the command that mends it. Changes nothing, and needs no rights.

Options:
      --json           print one JSON document instead of text
      --device PATH    the device of the kernel module (default: ${DEVICE})
  -h, --help           show this

Exit codes: 0 no problem, 1 at least one, 2 wrong usage.
`

export async function run(args: readonly string[]): Promise<void> {
  const report = await show(
    {
      name: NAME,
      help: HELP,
      take: async (device) => (await import('./doctor/examine.js')).examine(device),
      describe: async (report, width) => (await import('./doctor/text.js')).describe(report, width),
    },
    args,
  )
  if (report !== undefined && report.summary.problems > 0) process.exitCode = 1
}
