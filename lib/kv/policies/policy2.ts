// The paper's conservative policy. Source: emucxl.txt, section IV-B, Table IV.

import type { PolicyFactory, Tier } from '../policy.js'
import { Lists } from './lists.js'

class Policy2 extends Lists {
  hit(entry: number, tier: Tier): boolean {
    this.of(tier).moveToFront(entry)
    return false
  }
}

/** LRU; what was demoted stays remote, however often it is read. */
export const policy2: PolicyFactory = (host) => new Policy2(host)
