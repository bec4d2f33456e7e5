// A plain twin of the adaptive policy, for so few keys that all of them are in its sample: each candidate is a
// twin, and so is each ghost, of the same keys in remote memory without a limit.

import type { Twin } from './twins.js'

export class AdaptiveTwin implements Twin {
  current = 0
  readonly #candidates: Twin[]
  readonly #ghosts: Twin[]
  readonly #owners = new Map<string, Twin>()
  readonly #scores: number[]
  #hits: number[]
  #reads = 0

  constructor(
    candidates: (() => Twin)[],
    readonly most: number,
  ) {
    this.#candidates = candidates.map((make) => make())
    this.#ghosts = candidates.map((make) => make())
    this.#scores = candidates.map(() => 0)
    this.#hits = candidates.map(() => 0)
  }

  get #now(): Twin {
    return this.#candidates[this.current] as Twin
  }

  #owner(key: string): Twin {
    return this.#owners.get(key) as Twin
  }

  local() {
    return this.#candidates.flatMap((twin) => twin.local())
  }

  remote() {
    return this.#candidates.flatMap((twin) => twin.remote())
  }

  /** Keys that a ghost has in local memory: those that the store can have, or has. */
  #room(): number {
    return Math.min(this.most, Math.max(1, this.local().length))
  }

  #makeRoom(ghost: Twin, room: number) {
    while (ghost.local().length > room) ghost.demoted(ghost.localVictim())
  }

  added(key: string) {
    this.#owners.set(key, this.#now)
    this.#now.added(key)
    for (const ghost of this.#ghosts) {
      ghost.added(key)
      this.#makeRoom(ghost, this.#room())
    }
  }

  hit(key: string) {
    this.#observe(key)
    const isLocal = this.local().includes(key)
    if (this.#owner(key) !== this.#now) {
      this.#owner(key).removed(key)
      this.#owners.set(key, this.#now)
      this.#now.added(key)
      if (!isLocal) this.#now.demoted(key)
    }
    return this.#now.hit(key)
  }

  #observe(key: string) {
    for (const [i, ghost] of this.#ghosts.entries()) {
      if (ghost.local().includes(key)) {
        this.#hits[i] = (this.#hits[i] as number) + 1
        ghost.hit(key)
      } else if (ghost.hit(key)) {
        this.#makeRoom(ghost, this.#room() - 1)
        ghost.promoted(key)
      }
    }
    if (++this.#reads < 4 * this.#room()) return
    this.#hits.forEach((hits, i) => {
      this.#scores[i] = ((this.#scores[i] as number) + hits / this.#reads) / 2
    })
    const best = Math.max(...this.#scores)
    const now = this.#scores[this.current] as number
    // Of several that are as good, the first one; but none that is hardly better than what there is.
    if (best > now + 0.005) this.current = this.#scores.indexOf(best)
    this.#hits = this.#hits.map(() => 0)
    this.#reads = 0
  }

  promoted(key: string) {
    this.#owner(key).promoted(key)
  }

  demoted(key: string) {
    this.#owner(key).demoted(key)
  }

  removed(key: string) {
    this.#owner(key).removed(key)
    for (const ghost of this.#ghosts) ghost.removed(key)
  }

  /** What belongs to another candidate goes before what belongs to the one that decides. */
  #victim(keysOf: (twin: Twin) => string[]): Twin {
    const others = this.#candidates.filter((twin) => twin !== this.#now)
    return others.find((twin) => keysOf(twin).length > 0) ?? this.#now
  }

  localVictim() {
    return this.#victim((twin) => twin.local()).localVictim()
  }

  remoteVictim() {
    return this.#victim((twin) => twin.remote()).remoteVictim()
  }
}
