// The paper's optimistic policy, as its program does it: an entry that is read in remote memory becomes
// local, but enters where it is the next to leave. Source: emucxl.txt, section IV-B, Table IV.

import type { PolicyFactory, Tier } from '../policy.js'
import { Lists } from './lists.js'

class Policy1 extends Lists {
  hit(entry: number, tier: Tier): boolean {
    this.of(tier).moveToFront(entry)
    return true
  }

  override promoted(entry: number): void {
    this.remote.remove(entry)
    this.local.pushBack(entry)
  }
}

/** LRU; a remote entry that is read becomes local, at the least recently used end. */
export const policy1: PolicyFactory = (host) => new Policy1(host)
