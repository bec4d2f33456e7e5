// Runs an experiment in processes of its own, one after the other: see trial.ts.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EmucxlError, type ErrorCode } from '../../lib/memory/errors.js'
import type { Result } from './experiment.js'
import type { TrialMessage, TrialRequest } from './trial.js'

const PROGRAM = fileURLToPath(new URL('trial.js', import.meta.url))

/** What is told of a process while it runs. */
export interface TrialHooks {
  /** @param done from 0 to 1 */
  progress(done: number): void
  condition(text: string): void
}

/** An error of another process, as if it had been thrown here. */
function failure(message: string, code: string | undefined): Error {
  return code?.startsWith('ERR_EMUCXL_')
    ? new EmucxlError(code as ErrorCode, message)
    : new Error(message)
}

/** What one process finds; undefined where `signal` ends it before it has found anything. */
export async function runTrial(
  request: TrialRequest,
  hooks: TrialHooks,
  signal: AbortSignal,
): Promise<Result | undefined> {
  if (signal.aborted) return undefined
  const child = fork(PROGRAM, { serialization: 'advanced' })
  const end = () => child.kill('SIGKILL')
  signal.addEventListener('abort', end)
  process.once('exit', end) // it must not outlive its parent
  try {
    return await new Promise<Result | undefined>((resolve, reject) => {
      child.on('message', (message: TrialMessage) => {
        if (message.kind === 'progress') hooks.progress(message.done)
        else if (message.kind === 'condition') hooks.condition(message.text)
        else if (message.kind === 'result') resolve(message.result)
        else reject(failure(message.message, message.code))
      })
      child.on('error', reject)
      child.on('exit', (code, by) => {
        if (signal.aborted) resolve(undefined)
        const how = by === null ? `with code ${code}` : `by ${by}`
        reject(new Error(`the process that measured ${request.experiment} was ended ${how}`))
      })
      child.send(request, () => {}) // where it fails the process has ended, which is told of
    })
  } finally {
    signal.removeEventListener('abort', end)
    process.off('exit', end)
  }
}
