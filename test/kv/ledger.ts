// A policy around another one, which keeps account of what the store tells it, and objects where that cannot
// be: an entry that is added twice, demoted where it is remote, a victim that is not where it should be.

import type { Policy, PolicyFactory, Tier } from 'emucxl'
import { expect } from 'vitest'

export class Ledger implements Policy {
  readonly tiers = new Map<number, Tier>()
  readonly #policy: Policy

  constructor(policy: Policy) {
    this.#policy = policy
  }

  #move(entry: number, from: Tier | undefined, to: Tier | undefined): void {
    if (this.tiers.get(entry) !== from)
      expect([entry, this.tiers.get(entry)]).toEqual([entry, from])
    if (to === undefined) this.tiers.delete(entry)
    else this.tiers.set(entry, to)
  }

  added(entry: number): void {
    this.#move(entry, undefined, 'local')
    this.#policy.added(entry)
  }

  hit(entry: number, tier: Tier): boolean {
    this.#move(entry, tier, tier)
    return this.#policy.hit(entry, tier)
  }

  promoted(entry: number): void {
    this.#move(entry, 'remote', 'local')
    this.#policy.promoted(entry)
  }

  demoted(entry: number): void {
    this.#move(entry, 'local', 'remote')
    this.#policy.demoted(entry)
  }

  removed(entry: number, tier: Tier): void {
    this.#move(entry, tier, undefined)
    this.#policy.removed(entry, tier)
  }

  localVictim(): number {
    const victim = this.#policy.localVictim()
    this.#move(victim, 'local', 'local')
    return victim
  }

  remoteVictim(): number {
    const victim = this.#policy.remoteVictim()
    this.#move(victim, 'remote', 'remote')
    return victim
  }

  count(tier: Tier): number {
    return [...this.tiers.values()].filter((each) => each === tier).length
  }

  /** Takes all entries out of the policy in its own order: it has to name each of them, once. */
  drain(): void {
    while (this.count('local') > 0) this.demoted(this.localVictim())
    while (this.count('remote') > 0) this.removed(this.remoteVictim(), 'remote')
  }
}

/** A policy with a ledger around it, and where to find that. */
export function withLedger(policy: PolicyFactory): { policy: PolicyFactory; ledger: () => Ledger } {
  let ledger: Ledger
  return {
    policy: (host) => {
      ledger = new Ledger(policy(host))
      return ledger
    },
    ledger: () => ledger,
  }
}
