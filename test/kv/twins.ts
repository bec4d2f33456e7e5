// Plain twins of the policies: arrays of keys, searched from one end to the other, after the words of their
// papers. They are slow, and easy to see through. `local[0]` was touched last, or came last.

export interface Twin {
  local(): string[]
  remote(): string[]
  added(key: string): void
  /** Whether a remote key that was read should become local. */
  hit(key: string): boolean
  promoted(key: string): void
  demoted(key: string): void
  removed(key: string): void
  localVictim(): string
  remoteVictim(): string
}

const without = (keys: string[], key: string) => keys.filter((other) => other !== key)

class LruTwin implements Twin {
  near: string[] = []
  far: string[] = []

  constructor(
    readonly promotes: (key: string) => boolean,
    readonly entersLast: boolean,
  ) {}

  local() {
    return this.near
  }

  remote() {
    return this.far
  }

  added(key: string) {
    this.near = [key, ...this.near]
  }

  hit(key: string) {
    const isLocal = this.near.includes(key)
    if (isLocal) this.near = [key, ...without(this.near, key)]
    else this.far = [key, ...without(this.far, key)]
    return this.promotes(key) && !isLocal
  }

  promoted(key: string) {
    this.far = without(this.far, key)
    this.near = this.entersLast ? [...this.near, key] : [key, ...this.near]
  }

  demoted(key: string) {
    this.near = without(this.near, key)
    this.far = [key, ...this.far]
  }

  removed(key: string) {
    this.near = without(this.near, key)
    this.far = without(this.far, key)
  }

  localVictim() {
    return this.near.at(-1) as string
  }

  remoteVictim() {
    return this.far.at(-1) as string
  }
}

/** Two reads make a key local; windows are longer than any test. */
class ThresholdTwin extends LruTwin {
  reads = new Map<string, number>()

  constructor() {
    super((key) => (this.reads.get(key) ?? 0) >= 2, false)
  }

  override hit(key: string) {
    if (!this.near.includes(key)) this.reads.set(key, (this.reads.get(key) ?? 0) + 1)
    return super.hit(key)
  }

  override demoted(key: string) {
    this.reads.delete(key)
    super.demoted(key)
  }

  override removed(key: string) {
    this.reads.delete(key)
    super.removed(key)
  }
}

/** A list whose hand is the key that it looks at next: from the last towards the first, and round. */
class SieveList {
  keys: string[] = []
  hand: string | undefined
  visited = new Set<string>()

  add(key: string) {
    this.keys = [key, ...this.keys]
  }

  remove(key: string) {
    if (this.hand === key) this.hand = this.keys[this.keys.indexOf(key) - 1]
    this.keys = without(this.keys, key)
    this.visited.delete(key)
  }

  victim() {
    let at = this.hand === undefined ? this.keys.length - 1 : this.keys.indexOf(this.hand)
    while (this.visited.delete(this.keys[at] as string)) {
      at = at === 0 ? this.keys.length - 1 : at - 1
    }
    this.hand = this.keys[at] as string
    return this.hand
  }
}

class SieveTwin implements Twin {
  near = new SieveList()
  far = new SieveList()

  local() {
    return this.near.keys
  }

  remote() {
    return this.far.keys
  }

  added(key: string) {
    this.near.add(key)
  }

  hit(key: string) {
    const isLocal = this.near.keys.includes(key)
    ;(isLocal ? this.near : this.far).visited.add(key)
    return !isLocal
  }

  promoted(key: string) {
    this.far.remove(key)
    this.near.add(key)
  }

  demoted(key: string) {
    this.near.remove(key)
    this.far.add(key)
  }

  removed(key: string) {
    this.near.remove(key)
    this.far.remove(key)
  }

  localVictim() {
    return this.near.victim()
  }

  remoteVictim() {
    return this.far.victim()
  }
}

class S3Twin implements Twin {
  small: string[] = []
  main: string[] = []
  far: string[] = []
  reads = new Map<string, number>()

  local() {
    return [...this.small, ...this.main]
  }

  remote() {
    return this.far
  }

  added(key: string) {
    this.small = [key, ...this.small]
    this.reads.set(key, 0)
  }

  hit(key: string) {
    this.reads.set(key, Math.min(3, (this.reads.get(key) as number) + 1))
    return this.far.includes(key)
  }

  promoted(key: string) {
    this.far = without(this.far, key)
    this.main = [key, ...this.main]
    this.reads.set(key, 0)
  }

  demoted(key: string) {
    this.small = without(this.small, key)
    this.main = without(this.main, key)
    this.far = [key, ...this.far]
    this.reads.set(key, 0)
  }

  removed(key: string) {
    this.small = without(this.small, key)
    this.main = without(this.main, key)
    this.far = without(this.far, key)
  }

  localVictim(): string {
    const takesSmall =
      this.main.length === 0 ||
      (this.small.length > 0 && this.small.length >= (this.small.length + this.main.length) / 10)
    const key = (takesSmall ? this.small : this.main).at(-1) as string
    const reads = this.reads.get(key) as number
    if (takesSmall) {
      if (reads <= 1) return key
      this.small.pop()
      this.reads.set(key, 0)
    } else {
      if (reads === 0) return key
      this.main.pop()
      this.reads.set(key, reads - 1)
    }
    this.main.unshift(key)
    return this.localVictim()
  }

  remoteVictim(): string {
    const key = this.far.at(-1) as string
    const reads = this.reads.get(key) as number
    if (reads === 0) return key
    this.far = [key, ...without(this.far, key)]
    this.reads.set(key, reads - 1)
    return this.remoteVictim()
  }
}

/** Counts up to 15, which are halved when the sketch halves them: after so many reads, and then every 160. */
export class Counts {
  reads = new Map<string, number>()
  total = 0

  constructor(readonly halvedAfter: (key: string) => number) {}

  of(key: string): number {
    return this.reads.get(key) ?? 0
  }

  add(key: string) {
    if (this.of(key) === 15) return
    this.reads.set(key, this.of(key) + 1)
    this.total++
    for (const [other, reads] of this.reads) {
      if (this.total % 160 === this.halvedAfter(other)) this.reads.set(other, Math.floor(reads / 2))
    }
  }
}

/** Its tiers are so small that the window is for one key. */
export class WTinyLfuTwin implements Twin {
  window: string[] = []
  probation: string[] = []
  guarded: string[] = []
  far: string[] = []

  constructor(readonly counts: Counts) {}

  local() {
    return [...this.window, ...this.probation, ...this.guarded]
  }

  remote() {
    return this.far
  }

  /** What was in the window goes on probation. */
  #enterWindow(key: string) {
    this.probation = [...this.window, ...this.probation]
    this.window = [key]
  }

  added(key: string) {
    this.counts.add(key)
    this.#enterWindow(key)
  }

  hit(key: string) {
    this.counts.add(key)
    if (this.far.includes(key)) {
      this.far = [key, ...without(this.far, key)]
      const victim = this.probation.at(-1)
      return victim === undefined || this.counts.of(key) > this.counts.of(victim)
    }
    if (this.probation.includes(key)) {
      this.probation = without(this.probation, key)
      this.guarded = [key, ...this.guarded]
      while (this.guarded.length > 0.8 * (this.guarded.length + this.probation.length)) {
        this.probation.unshift(this.guarded.pop() as string)
      }
    } else if (this.guarded.includes(key)) {
      this.guarded = [key, ...without(this.guarded, key)]
    }
    return false
  }

  promoted(key: string) {
    this.far = without(this.far, key)
    this.#enterWindow(key)
  }

  demoted(key: string) {
    this.#leaveLocal(key)
    this.far = [key, ...this.far]
  }

  removed(key: string) {
    this.#leaveLocal(key)
    this.far = without(this.far, key)
  }

  #leaveLocal(key: string) {
    this.window = without(this.window, key)
    this.probation = without(this.probation, key)
    this.guarded = without(this.guarded, key)
  }

  localVictim(): string {
    const [newest, oldest] = [this.probation[0], this.probation.at(-1)]
    if (newest === undefined || oldest === undefined) {
      return (this.guarded.at(-1) ?? this.window.at(-1)) as string
    }
    return this.counts.of(newest) > this.counts.of(oldest) ? oldest : newest
  }

  remoteVictim() {
    return this.far.at(-1) as string
  }
}

export const TWINS: Record<string, () => Twin> = {
  policy1: () => new LruTwin(() => true, true),
  policy2: () => new LruTwin(() => false, false),
  lru: () => new LruTwin(() => true, false),
  threshold: () => new ThresholdTwin(),
  sieve: () => new SieveTwin(),
  's3-fifo': () => new S3Twin(),
}
