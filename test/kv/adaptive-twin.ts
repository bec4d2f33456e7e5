// A plain twin of the adaptive policy, for so few keys that all of them are in its sample, and that a ghost
// has as much local memory as the store.

import type { Twin } from './twins.js'

/** Entries that local memory counts for, where it has fewer. */
const ENTRIES = 100
/** What is left of all that was counted, at each read. */
const FADED = 1 - 1 / (16 * ENTRIES)
const MARGIN = 0.2 * ENTRIES

interface Candidate {
  /** The store's keys that belong to it. */
  own: Twin
  /** All keys of the store, where they would be had it always decided, and nobody else moved any. */
  ghost: Twin
  lead: number
  differences: number
}

export class AdaptiveTwin implements Twin {
  readonly #candidates: Candidate[]
  #decides: Candidate
  /** How often another candidate came to decide, and keys came from one to another without being read. */
  switches = 0
  handedOver = 0

  constructor(
    candidates: (() => Twin)[],
    readonly most: number,
  ) {
    this.#candidates = candidates.map((make) => {
      return { own: make(), ghost: make(), lead: 0, differences: 0 }
    })
    this.#decides = this.#candidates[0] as Candidate
  }

  get current(): number {
    return this.#candidates.indexOf(this.#decides)
  }

  get #others(): Candidate[] {
    return this.#candidates.filter((candidate) => candidate !== this.#decides)
  }

  local() {
    return this.#candidates.flatMap(({ own }) => own.local())
  }

  remote() {
    return this.#candidates.flatMap(({ own }) => own.remote())
  }

  #owner(key: string): Twin {
    const has = ({ own }: Candidate) => [...own.local(), ...own.remote()].includes(key)
    return (this.#candidates.find(has) as Candidate).own
  }

  /** Keys that a ghost has in local memory: those that the store can have, or has. */
  #room(): number {
    return Math.min(this.most, Math.max(1, this.local().length))
  }

  #makeRoom(ghost: Twin, room: number) {
    while (ghost.local().length > room) ghost.demoted(ghost.localVictim())
  }

  added(key: string) {
    this.#decides.own.added(key)
    for (const { ghost } of this.#candidates) {
      ghost.added(key)
      this.#makeRoom(ghost, this.#room())
    }
  }

  hit(key: string) {
    const found = this.local().includes(key)
    for (const candidate of this.#others) {
      this.#compare(candidate, candidate.ghost.local().includes(key), found)
    }
    for (const { ghost } of this.#candidates) {
      if (!ghost.hit(key)) continue
      this.#makeRoom(ghost, this.#room() - 1)
      ghost.promoted(key)
    }
    this.#decide()
    this.#take(key)
    for (let times = 0; times < 4; times++) this.#takeNext()
    return this.#decides.own.hit(key)
  }

  /** Counts a read: whether a candidate's ghost, and the store, found the key in local memory. */
  #compare(candidate: Candidate, ghostFound: boolean, found: boolean) {
    candidate.lead *= FADED
    candidate.differences *= FADED
    if (ghostFound === found) return
    candidate.differences += 1
    if (ghostFound) candidate.lead += 1
    else if (candidate.lead > -MARGIN) candidate.lead -= 1
  }

  /** Of those that lead by the margin and by four standard deviations, the one that leads by most. */
  #decide() {
    const better = this.#others.filter(({ lead, differences }) => {
      return lead > MARGIN && lead > 4 * Math.sqrt(differences)
    })
    if (better.length === 0) return
    const most = Math.max(...better.map(({ lead }) => lead))
    this.#decides = better.find(({ lead }) => lead === most) as Candidate
    this.switches++
    for (const candidate of this.#candidates) {
      candidate.lead = -ENTRIES
      candidate.differences = 0
    }
  }

  /** A key comes to the candidate that decides. */
  #take(key: string) {
    const owner = this.#owner(key)
    if (owner === this.#decides.own) return
    const isLocal = owner.local().includes(key)
    owner.removed(key)
    this.#decides.own.added(key)
    if (!isLocal) this.#decides.own.demoted(key)
  }

  /** The next to leave local memory of what belongs to others comes, and the next to be lost. */
  #takeNext() {
    const [local, remote] = [this.#first('local'), this.#first('remote')]
    for (const key of [local?.localVictim(), remote?.remoteVictim()]) {
      if (key === undefined) continue
      this.#take(key)
      this.handedOver++
    }
  }

  /** The first candidate with keys in a tier that does not decide. */
  #first(tier: 'local' | 'remote'): Twin | undefined {
    return this.#others.find(({ own }) => own[tier]().length > 0)?.own
  }

  promoted(key: string) {
    this.#owner(key).promoted(key)
  }

  demoted(key: string) {
    this.#owner(key).demoted(key)
  }

  removed(key: string) {
    this.#owner(key).removed(key)
    for (const { ghost } of this.#candidates) ghost.removed(key)
  }

  localVictim() {
    return (this.#first('local') ?? this.#decides.own).localVictim()
  }

  remoteVictim() {
    return (this.#first('remote') ?? this.#decides.own).remoteVictim()
  }
}
