// The policies that come with the package, by their names.

import { lru } from './lru.js'
import { policy1 } from './policy1.js'
import { policy2 } from './policy2.js'

export const policies = { policy1, policy2, lru }
