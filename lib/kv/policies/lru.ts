// Least recently used.

import type { PolicyFactory, Tier } from '../policy.js'
import { Lists } from './lists.js'

class Lru extends Lists {
  hit(entry: number, tier: Tier): boolean {
    this.of(tier).moveToFront(entry)
    return true
  }
}

/** A true LRU over both tiers: what is read becomes local, at the most recently used end. */
export const lru: PolicyFactory = (host) => new Lru(host)
