// What each of the two tiers of a store may have, and has, and how often entries were read, moved and lost.

import { checkBytes, checkOptions, checkWhole } from '../memory/arguments.js'
import type { KvLimits } from './options.js'
import type { Tier } from './policy.js'

export const TIERS: readonly Tier[] = ['local', 'remote']

/** A tier's limits, and what is in it. */
export class TierState {
  entries = 0
  bytes = 0

  constructor(
    readonly objectsLimit: number,
    readonly bytesLimit: number,
  ) {}

  /** Whether the limits leave room for an entry, when others have left. */
  fits(size: number, entries = 0, bytes = 0): boolean {
    return (
      this.entries - entries < this.objectsLimit && this.bytes - bytes + size <= this.bytesLimit
    )
  }
}

/** A tier with the limits that a user asked for, and nothing in it. */
export function tierState(limits: unknown, name: string): TierState {
  checkOptions(limits as object, name)
  const { objects = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = (limits ??
    {}) as KvLimits
  if (objects !== Number.POSITIVE_INFINITY) checkWhole(objects, `${name}.objects`, 0)
  if (bytes !== Number.POSITIVE_INFINITY) checkBytes(bytes, `${name}.bytes`, 0)
  return new TierState(objects, bytes)
}

export class TierAccount {
  readonly local: TierState
  readonly remote: TierState
  readonly counters = {
    localHits: 0,
    remoteHits: 0,
    misses: 0,
    promotions: 0,
    demotions: 0,
    bytesMoved: 0,
    evictions: 0,
    expirations: 0,
  }

  constructor({ local, remote }: Record<Tier, TierState>) {
    this.local = local
    this.remote = remote
  }

  state(tier: Tier): TierState {
    return tier === 'local' ? this.local : this.remote
  }

  /** Entries of both tiers. */
  get entries(): number {
    return this.local.entries + this.remote.entries
  }

  /** There are no entries any more. */
  clear(): void {
    for (const tier of [this.local, this.remote]) tier.entries = tier.bytes = 0
  }
}
