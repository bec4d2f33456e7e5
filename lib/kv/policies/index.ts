// The policies that come with the package, by their names.

import type { PolicyFactory } from '../policy.js'
import { lru } from './lru.js'
import { policy1 } from './policy1.js'
import { policy2 } from './policy2.js'
import { s3Fifo } from './s3-fifo.js'
import { sieve } from './sieve.js'
import { threshold } from './threshold.js'
import { wTinyLfu } from './w-tinylfu.js'

export { type ThresholdOptions, threshold } from './threshold.js'

/** Policies by the names that a store takes; {@link threshold} with options makes another one. */
export const policies = {
  policy1,
  policy2,
  lru,
  threshold: threshold(),
  sieve,
  's3-fifo': s3Fifo,
  'w-tinylfu': wTinyLfu,
} satisfies Record<string, PolicyFactory>
