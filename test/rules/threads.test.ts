// Rules 4 and 9: any number of threads load the addon, and each ends alone, at any time.

import { expect, test } from 'vitest'
import { outputOf, runChild, soak } from './run-child.js'

// What they have alive is dropped, moved, posted and shared, with every sort of job under way; Node.js
// waits for the jobs, calls the finalizers of buffers that other threads use, then our own hooks.
test.each(Array.from({ length: 4 }, (_, i) => [i + 1]))(
  'workers end in every way, at random times (%i)',
  async () => {
    const { stdout } = await outputOf('worker-ends')
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(Math.ceil(14 * soak))
  },
)

// What a context keeps for further blocks, and the mappings of freed ones, must not pile up with the
// threads that come and go.
test.for([['natural'], ['exit'], ['throw'], ['terminate']] as const)(
  'a worker that ends (%s) leaves no mappings behind',
  async ([how], { skip }) => {
    if (process.env['LD_PRELOAD']?.includes('libasan')) {
      skip('the address sanitizer keeps memory of its own for threads that have ended')
    }
    await runChild('worker-leaves', [how])
  },
)
