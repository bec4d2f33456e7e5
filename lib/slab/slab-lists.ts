// Where the slabs of a cache are, by their numbers: on which node, with how many free objects, and in which
// of four places. One is the current slab of its node, from which objects are given out; those that have
// room are in the list of their node's partial slabs; an empty one is the spare of its node; those that
// are full are nowhere. Any other slab that gets empty has to go.

export const NONE = -1

export type Numbers = Int32Array<ArrayBuffer>

export function longer(old: Numbers, length: number): Numbers {
  const array = new Int32Array(length).fill(NONE)
  array.set(old)
  return array
}

export class SlabLists {
  readonly #perSlab: number = 0
  /** By slab: its free objects. */
  #room: Numbers = new Int32Array(0)
  /** By slab: its node; NONE for one that is gone. */
  #node: Numbers = new Int32Array(0)
  /** By slab: the neighbours in the list of partial slabs, or of slab numbers that are gone. */
  #before: Numbers = new Int32Array(0)
  #after: Numbers = new Int32Array(0)

  /** By node. */
  readonly #current: Numbers
  readonly #partial: Numbers
  readonly #spare: Numbers

  /** The slab that compact() is emptying, which is in none of the four places. */
  #apart = NONE
  /** Numbers that were given out so far, and the first of those that are gone. */
  #count = 0
  #gone = NONE

  constructor(nodes: number, perSlab: number) {
    this.#perSlab = perSlab
    this.#current = new Int32Array(nodes).fill(NONE)
    this.#partial = this.#current.slice()
    this.#spare = this.#current.slice()
  }

  /** Slab numbers that were given out so far: those from 0 up. */
  get count(): number {
    return this.#count
  }

  /** The number of the slab that {@link add} will take in. */
  get next(): number {
    return this.#gone >= 0 ? this.#gone : this.#count
  }

  /** Makes the arrays long enough for one slab more. */
  reserve(): void {
    if (this.next < this.#room.length) return
    const length = Math.max(8, 2 * this.#room.length)
    // All of them, or none.
    const room = longer(this.#room, length)
    const node = longer(this.#node, length)
    const before = longer(this.#before, length)
    this.#after = longer(this.#after, length)
    this.#room = room
    this.#node = node
    this.#before = before
  }

  /** Takes in a slab, all of whose objects are free: it is the current one of its node. */
  add(node: number): void {
    const slab = this.next
    if (slab === this.#gone) this.#gone = this.#after[slab] as number
    else this.#count++
    this.#room[slab] = this.#perSlab
    this.#node[slab] = node
    this.#current[node] = slab
  }

  /** A slab is gone that was in none of the places. */
  remove(slab: number): void {
    this.#node[slab] = NONE
    this.#after[slab] = this.#gone
    this.#gone = slab
  }

  /** All slabs are gone. */
  clear(): void {
    this.#node.fill(NONE)
    this.#count = 0
    this.#gone = this.#apart = NONE
    for (const places of [this.#current, this.#partial, this.#spare]) places.fill(NONE)
  }

  nodeOf(slab: number): number {
    return this.#node[slab] as number
  }

  roomOf(slab: number): number {
    return this.#room[slab] as number
  }

  setRoom(slab: number, room: number): void {
    this.#room[slab] = room
  }

  /** Whether a node has a current slab, which is full when another one is asked for. */
  hasCurrent(node: number): boolean {
    return (this.#current[node] ?? NONE) !== NONE
  }

  /** The current slab of a node, if it has room, else another one that has; NONE where there is none. */
  turnToRoom(node: number): number {
    const current = this.#current[node] ?? NONE
    if (current >= 0 && this.roomOf(current) > 0) return current
    let slab = this.#partial[node] ?? NONE
    if (slab >= 0) {
      this.#unlink(slab)
    } else {
      slab = this.#spare[node] ?? NONE
      if (slab < 0) return NONE
      this.#spare[node] = NONE
    }
    this.#current[node] = slab
    return slab
  }

  /** An object of a slab was given out. */
  took(slab: number): void {
    const room = this.roomOf(slab) - 1
    this.#room[slab] = room
    if (room === 0 && this.#current[this.nodeOf(slab)] !== slab) this.#unlink(slab)
  }

  /** An object of a slab was freed. Returns how many were free before. */
  freed(slab: number): number {
    const before = this.#room[slab] as number
    this.#room[slab] = (before + 1) | 0
    return before
  }

  /** A slab that was full has room now, or has no object left. Returns whether it has to go. */
  place(slab: number, wasFull: boolean): boolean {
    const node = this.nodeOf(slab)
    if (slab === this.#current[node] || slab === this.#apart) return false
    if (this.roomOf(slab) < this.#perSlab) {
      this.#link(slab)
      return false
    }
    if (!wasFull) this.#unlink(slab)
    return !this.#keep(slab)
  }

  /** Takes a slab out of the place where it is. */
  takeOut(slab: number): void {
    const node = this.nodeOf(slab)
    if (this.#current[node] === slab) this.#current[node] = NONE
    else if (this.#spare[node] === slab) this.#spare[node] = NONE
    else if (this.roomOf(slab) > 0) this.#unlink(slab)
  }

  /** The reverse, by what the slab holds now, and on a node. Returns whether it has to go. */
  putBack(slab: number, node = this.nodeOf(slab)): boolean {
    this.#node[slab] = node
    if (this.roomOf(slab) === this.#perSlab) return !this.#keep(slab)
    if (this.roomOf(slab) > 0) this.#link(slab)
    return false
  }

  /** A slab that was taken out gives out no objects, and stays where it is when it gets empty. */
  setApart(slab: number): void {
    this.#apart = slab
  }

  get isOneApart(): boolean {
    return this.#apart !== NONE
  }

  /** Takes the empty slabs of a node out of their places. */
  takeEmpty(node: number): number[] {
    const kept = [this.#current[node] as number, this.#spare[node] as number]
    const empty = kept.filter((slab) => slab >= 0 && this.roomOf(slab) === this.#perSlab)
    for (const slab of empty) this.takeOut(slab)
    return empty
  }

  /** The slabs of a node that are neither full nor empty, those with the fewest objects first. */
  withRoom(node: number): number[] {
    const found: number[] = []
    for (let slab = 0; slab < this.#count; slab++) if (this.hasRoom(slab, node)) found.push(slab)
    return found.sort((a, b) => this.roomOf(b) - this.roomOf(a))
  }

  /** Whether a slab is one of a node, and neither full nor empty. */
  hasRoom(slab: number, node: number): boolean {
    const room = this.roomOf(slab)
    return this.nodeOf(slab) === node && room > 0 && room < this.#perSlab
  }

  /** The slabs of a node. */
  *on(node: number): Generator<number> {
    for (let slab = 0; slab < this.#count; slab++) if (this.nodeOf(slab) === node) yield slab
  }

  /** An empty slab is the spare of its node from now on, if that has none. */
  #keep(slab: number): boolean {
    const node = this.nodeOf(slab)
    if (this.#spare[node] !== NONE) return false
    this.#spare[node] = slab
    return true
  }

  #link(slab: number): void {
    const node = this.nodeOf(slab)
    const first = this.#partial[node] as number
    this.#before[slab] = NONE
    this.#after[slab] = first
    if (first >= 0) this.#before[first] = slab
    this.#partial[node] = slab
  }

  #unlink(slab: number): void {
    const before = this.#before[slab] as number
    const after = this.#after[slab] as number
    if (before >= 0) this.#after[before] = after
    else this.#partial[this.nodeOf(slab)] = after
    if (after >= 0) this.#before[after] = before
  }
}
