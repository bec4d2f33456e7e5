// What a command line may hold: options, numbers, sizes; and the error for what it may not.

import { parseArgs } from 'node:util'

/** Wrong usage: the process ends with code 2 and a hint to the help of the command. */
export class UsageError extends Error {
  constructor(
    message: string,
    /** What `--help` is to be given to. */
    readonly command = 'emucxl',
  ) {
    super(message)
  }
}

/** Options by their long names; each may carry a short one, and a `multiple` one come several times. */
type Options = Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: boolean }>

type Values<O extends Options> = {
  [K in keyof O]?: O[K]['type'] extends 'boolean'
    ? boolean
    : O[K]['multiple'] extends true
      ? string[]
      : string
}

/** Parses the words after a command's name. */
export function parse<const O extends Options>(
  command: string,
  args: readonly string[],
  options: O,
): { values: Values<O>; positionals: string[] } {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    return { values: parsed.values as Values<O>, positionals: parsed.positionals }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error
    const dashed = /^Option '(--[\w-]+)'.*is ambiguous/.exec(message)?.[1]
    if (dashed !== undefined) {
      throw new UsageError(
        `${dashed} needs a value; one that begins with - is ${dashed}=VALUE`,
        command,
      )
    }
    // Node.js goes on with advice on positional arguments, which no command here needs.
    const first = message.split(/\.\s/)[0] ?? message
    throw new UsageError(first.charAt(0).toLowerCase() + first.slice(1), command)
  }
}

/** A whole number from 1 on; `text` undefined stays so. */
export function wholeNumber(command: string, option: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new UsageError(`--${option} must be a whole number from 1 on, not '${text}'`, command)
  }
  return value
}

const FACTORS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** Bytes: `4096`, `64K`, `64KiB`, `1.5G`; the suffixes are powers of 1024. */
export function byteSize(command: string, option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text)
  const factor = FACTORS[match?.[2]?.toUpperCase() ?? '']
  const bytes = match === null || factor === undefined ? Number.NaN : Number(match[1]) * factor
  if (!Number.isSafeInteger(Math.floor(bytes)) || bytes < 1) {
    throw new UsageError(
      `--${option} must be a number of bytes, as 4096, 64KiB, 128M or 1.5G, not '${text}'`,
      command,
    )
  }
  return Math.floor(bytes)
}

/** One of a few words. */
export function choice<T extends string>(
  command: string,
  what: string,
  text: string,
  choices: readonly T[],
): T {
  const found = choices.find((word) => word === text)
  if (found === undefined) {
    throw new UsageError(`unknown ${what} '${text}'; there are ${choices.join(', ')}`, command)
  }
  return found
}
