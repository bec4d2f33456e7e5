// The policies that come with the package, by their names.

import type { PolicyFactory } from '../policy.js'
import { adaptive } from './adaptive.js'
import { lru } from './lru.js'
import { policy1 } from './policy1.js'
import { policy2 } from './policy2.js'
import { s3Fifo } from './s3-fifo.js'
import { sieve } from './sieve.js'
import { threshold } from './threshold.js'
import { wTinyLfu } from './w-tinylfu.js'

export { type ThresholdOptions, threshold } from './threshold.js'

const often = threshold()

/** Policies by the names that a store takes; {@link threshold} with options makes another one. */
export const policies = {
  policy1,
  policy2,
  lru,
  threshold: often,
  sieve,
  's3-fifo': s3Fifo,
  'w-tinylfu': wTinyLfu,
  /** It begins with the first, which is seldom far from the best. */
  adaptive: adaptive([wTinyLfu, lru, sieve, s3Fifo, often, policy1, policy2]),
} satisfies Record<string, PolicyFactory>
