// A policy of a user's, which may be wrong: what it returns is checked, and while it runs the store is busy.
// The policies of the package need none of this.

import { inspect } from 'node:util'
import { wrongType } from '../memory/arguments.js'
import { EmucxlError } from '../memory/errors.js'
import type { Policy, Tier } from './policy.js'

const CALLS = [
  ...(['added', 'hit', 'promoted', 'demoted', 'removed', 'localVictim', 'remoteVictim'] as const),
]

export class PolicyGuard implements Policy {
  readonly #policy: Policy
  readonly #tierOf: (entry: number) => Tier | undefined
  /** Whether a function of the policy is under way. */
  isRunning = false

  /** `tierOf` tells where an entry is: undefined for a number that no entry has. */
  constructor(policy: unknown, tierOf: (entry: number) => Tier | undefined) {
    for (const call of CALLS) {
      if (typeof (policy as Policy | undefined)?.[call] !== 'function') {
        throw wrongType(`what options.policy() returned`, `a policy, with ${call}()`, policy)
      }
    }
    this.#policy = policy as Policy
    this.#tierOf = tierOf
  }

  added(entry: number): void {
    this.#run(() => this.#policy.added(entry))
  }

  hit(entry: number, tier: Tier): boolean {
    return this.#run(() => this.#policy.hit(entry, tier))
  }

  promoted(entry: number): void {
    this.#run(() => this.#policy.promoted(entry))
  }

  demoted(entry: number): void {
    this.#run(() => this.#policy.demoted(entry))
  }

  removed(entry: number, tier: Tier): void {
    this.#run(() => this.#policy.removed(entry, tier))
  }

  localVictim(): number {
    return this.#checked('local', 'localVictim()', () => this.#policy.localVictim())
  }

  remoteVictim(): number {
    return this.#checked('remote', 'remoteVictim()', () => this.#policy.remoteVictim())
  }

  /** What every call of the store asks first. */
  check(): void {
    if (!this.isRunning) return
    throw new EmucxlError(
      'ERR_EMUCXL_BUSY',
      'options.policy runs inside a call of the store: use the store when its function has returned',
    )
  }

  #run<R>(call: () => R): R {
    this.isRunning = true
    try {
      return call()
    } finally {
      this.isRunning = false
    }
  }

  #checked(tier: Tier, name: string, call: () => unknown): number {
    const entry = this.#run(call)
    if (Number.isSafeInteger(entry) && this.#tierOf(entry as number) === tier) {
      return entry as number
    }
    throw new EmucxlError(
      'ERR_EMUCXL_BAD_POLICY',
      `options.policy: ${name} must return a ${tier} entry, one that added() told of and removed() ` +
        `did not, not ${inspect(entry, { depth: 0 }).slice(0, 60)}`,
    )
  }
}
