// Rules 4 and 9: the process ends while jobs run over blocks, a worker has some, and finalizers wait.
// At process.exit() no finalizer and no hook runs; the jobs in the queue still do, when everything of
// JavaScript has gone.

import { describe, expect, test } from 'vitest'
import { type ChildOptions, outputOf } from './run-child.js'

const jobs = [
  ...['none', 'zlib', 'randomFill', 'read', 'write', 'fill', 'copy'],
  ...['migrate', 'resize', 'alloc', 'free', 'close', 'traffic'],
]
// Without threads of V8's own: Node.js 24 and 26 can hang at process.exit() where one of them compiles
// and wants a collection (nodejs/node#54918), addon or not.
const flags = ['--expose-gc', '--single-threaded']

async function ends(how: string, job: string, options: ChildOptions = {}): Promise<void> {
  const { stderr } = await outputOf('main-ends', [how, job], { flags, ...options })
  if (options.code === 1) expect(stderr).toContain('on purpose')
}

describe.each(jobs)('while a job is under way (%s), the process', (job) => {
  test('comes to its end', () => ends('natural', job))
  test('exits', () => ends('exit', job))
})

describe.each(['none', 'fill', 'migrate', 'resize', 'zlib', 'traffic'])('or (%s)', (job) => {
  test('exits while it exits', () => ends('exitInExit', job))
  test('throws', () => ends('throw', job, { code: 1 }))
  test('leaves a rejection unhandled', () => ends('reject', job, { code: 1 }))
  test('gets a signal', () => ends('signal', job, { signal: 'SIGTERM' }))
})
