// What most policies have in common: a list for each tier, those first that were touched last.

import type { EntryList } from '../entry-list.js'
import type { Policy, PolicyHost, Tier } from '../policy.js'

/** LRU in both tiers, without promotion. What a policy does otherwise it overrides. */
export abstract class Lists implements Policy {
  readonly local: EntryList
  readonly remote: EntryList

  constructor(host: PolicyHost) {
    this.local = host.list()
    this.remote = host.list()
  }

  added(entry: number): void {
    this.local.pushFront(entry)
  }

  abstract hit(entry: number, tier: Tier): boolean

  /** The list of a tier. */
  of(tier: Tier): EntryList {
    return tier === 'local' ? this.local : this.remote
  }

  promoted(entry: number): void {
    this.remote.remove(entry)
    this.local.pushFront(entry)
  }

  demoted(entry: number): void {
    this.local.remove(entry)
    this.remote.pushFront(entry)
  }

  removed(entry: number, tier: Tier): void {
    this.of(tier).remove(entry)
  }

  localVictim(): number {
    return this.local.back
  }

  remoteVictim(): number {
    return this.remote.back
  }
}
