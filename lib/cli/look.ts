// What `info` and `doctor` have in common: a look at the machine, told as text or as JSON.

import { resolve } from 'node:path'
import { widthOf } from './table.js'
import { parse, UsageError } from './usage.js'

/** The device of the kernel module, where the user names no other. */
export const DEVICE = '/dev/emucxl'

export interface Look<R> {
  /** The command, as in `emucxl info`. */
  name: string
  help: string
  /** What is loaded for it is loaded when it is called: help is quick. */
  take(device: string): Promise<R>
  describe(report: R, width: number): Promise<string>
}

/** Takes the look that the words after the command ask for, and prints it; undefined: they ask for help. */
export async function show<R>(
  { name, help, take, describe }: Look<R>,
  args: readonly string[],
): Promise<R | undefined> {
  const { values, positionals } = parse(name, args, {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    device: { type: 'string' },
  })
  if (values.help) {
    process.stdout.write(help)
    return undefined
  }
  if (positionals[0] !== undefined) throw new UsageError(`unknown word '${positionals[0]}'`, name)
  if (values.device === '') throw new UsageError('--device must be a path', name)
  const report = await take(resolve(values.device ?? DEVICE))
  process.stdout.write(
    values.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : await describe(report, widthOf(process.stdout)),
  )
  return report
}
