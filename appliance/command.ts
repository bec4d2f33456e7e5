// Runs the programs that the appliance is built with.

import { spawn } from 'node:child_process'

export interface CommandOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
}

/** What a program printed on stdout. Throws with the end of what it printed, if it fails. */
export async function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const env = { ...(options.env ?? process.env), LC_ALL: 'C' } // what is read is English
  const child = spawn(program, args, { ...options, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = (): void => void child.kill()
  process.once('exit', kill)
  let stdout = ''
  let all = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
    all += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    all += text
  })
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  }).finally(() => process.removeListener('exit', kill))
  if (status !== 0) {
    const last = all.trimEnd().split('\n').slice(-20).join('\n')
    throw new Error(`${[program, ...args].join(' ')} failed (${status}):\n${last}`)
  }
  return stdout
}
