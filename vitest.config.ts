// How the tests run: each file in a process of its own, as they crash it, fill it, and count in it.

import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: availableParallelism(), // most of them wait for a child process
    testTimeout: 120_000,
    hookTimeout: 300_000,
    allowOnly: false,
  },
})
