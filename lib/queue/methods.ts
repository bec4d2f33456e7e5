// The two methods of a queue that are called for each element, written out for the type of its elements.
// V8 inlines what it sees called at a place only while that is one function: with one method for all
// types a program with queues of two types pays several calls for each element.

import type { Dependent } from '../memory/closing.js'
import { type AnyNumber, mayCompile, Writer } from '../slab/accessors.js'
import { type FieldType, NumberType } from '../slab/field-types.js'
import type { Queue } from './queue.js'
import { NO_VIEWS, type SlabViews } from './slab-views.js'

/** The two ends of a queue. */
export class Ends implements Dependent {
  /** Elements. */
  size = 0
  /** The next element to be read: its slab, its offset there, and the end of its segment. */
  head = NO_VIEWS
  headAt = 0
  headEnd = 0
  /** Where the next element is written. */
  tail = NO_VIEWS
  tailAt = 0
  tailEnd = 0

  /** What the elements are, and their bytes. */
  type: FieldType<unknown> | undefined
  stride = 1
  /** Where the head's segment begins, and the elements that were dequeued before it. */
  #headStart = 0
  #before = 0

  /** Elements that were dequeued so far. */
  get gone(): number {
    return this.#before + (this.headAt - this.#headStart) / this.stride
  }

  /** The next element to be read is the first of a segment. */
  enterHead(slab: SlabViews, start: number, end: number): void {
    this.#before = this.gone
    this.head = slab
    this.#headStart = this.headAt = start
    this.headEnd = end
  }

  /** The next element is written as the first of a segment. */
  enterTail(slab: SlabViews, start: number, end: number): void {
    this.tail = slab
    this.tailAt = start
    this.tailEnd = end
  }

  /** No element is left, nor room for one. */
  clear(): void {
    this.#before = this.gone + this.size
    this.#headStart = 0
    this.size = this.headAt = this.headEnd = this.tailAt = this.tailEnd = 0
    this.head = this.tail = NO_VIEWS
  }

  contextClosed(): void {
    this.clear()
  }
}

/** What the methods need of the inside of a queue. */
export interface Inside {
  /** What tells the ends of a queue, and throws for one with elements of another type. */
  endsFor: (type: FieldType<unknown>) => (queue: Queue<unknown>) => Ends
  /** The tail's segment is full, or there is none: adds one. */
  grow: (queue: Queue<unknown>) => void
  /** All elements are gone. */
  rewind: (queue: Queue<unknown>) => void
  /** All elements of the head's segment are gone, and there are more. */
  advance: (queue: Queue<unknown>) => void
  /** Throws where the queue cannot be used any more. */
  check: (queue: Queue<unknown>) => void
}

export interface Methods<T> {
  enqueue: (value: T) => void
  dequeue: () => T | undefined
}

const known = new WeakMap<FieldType<unknown>, Methods<unknown>>()

/** The methods for a type; undefined where no text may be compiled. */
export function methodsFor<T>(type: FieldType<T>, inside: Inside): Methods<T> | undefined {
  const found = known.get(type) ?? (mayCompile() ? compile(type, inside) : undefined)
  if (found !== undefined) known.set(type, found)
  return found as Methods<T> | undefined
}

/**
 * Writes what reads and writes the elements at one end of a queue, through the DataView of the slab. The
 * numbers of a struct are written to typed arrays: after a write through a DataView V8 checks it anew, and
 * its calls are long, so that enqueueing a struct of ten numbers would be too much for V8 to inline.
 */
class ElementWriter extends Writer {
  readonly #type: FieldType<unknown>
  /** The views that were mentioned. */
  readonly #names = new Set<string>()
  /** Sizes of elements of typed arrays that were mentioned. */
  readonly #sizes = new Set<number>()

  constructor(type: FieldType<unknown>, bound: Readonly<Record<string, unknown>>) {
    super(bound)
    this.#type = type
  }

  protected override load({ method }: AnyNumber, base: string, offset: number): string {
    this.#names.add('data')
    return `data.get${method}(${base} + ${offset}, true)`
  }

  protected override store(type: AnyNumber, base: string, offset: number, value: string): string {
    const { method, size } = type
    if (this.#type instanceof NumberType) {
      this.#names.add('data')
      return `data.set${method}(${base} + ${offset}, ${value}, true);`
    }
    this.#names.add(method)
    this.#sizes.add(size)
    return `${method}[${base}${size} + ${offset / size}] = ${value};`
  }

  protected override place(base: string, offset: number): string {
    this.#names.add('data')
    return `data, ${base} + ${offset}`
  }

  /** Statements for what was mentioned since the last call: views, and `base` in their elements. */
  take(base: string, views: string): string {
    const names = `const { ${[...this.#names].join(', ')} } = ${views};`
    const sizes = [...this.#sizes].map((size) => {
      return `const ${base}${size} = ${base} >>> ${Math.log2(size)};`
    })
    this.#names.clear()
    this.#sizes.clear()
    return [names, ...sizes].join('\n')
  }
}

function compile(type: FieldType<unknown>, inside: Inside): Methods<unknown> {
  const { endsFor, ...rest } = inside
  const writer = new ElementWriter(type, { ...rest, endsOf: endsFor(type) })
  const { checks, put } = writer.write(type, 'at', 'value')
  const tail = writer.take('at', 'ends.tail')
  const value = writer.read(type, 'at')
  const head = writer.take('at', 'ends.head')
  return writer.compile(`{
    enqueue: function (value) {
      ${checks}
      const ends = endsOf(this);
      if (ends.tailAt === ends.tailEnd) grow(this);
      const at = ends.tailAt;
      ${tail}
      ${put}
      ends.tailAt = at + ${type.size};
      ends.size++;
    },
    dequeue: function () {
      const ends = endsOf(this);
      if (ends.size === 0) { check(this); return undefined; }
      const at = ends.headAt;
      ${head}
      const value = ${value};
      ends.headAt = at + ${type.size};
      ends.size--;
      if (ends.size === 0) rewind(this);
      else if (ends.headAt === ends.headEnd) advance(this);
      return value;
    },
  }`) as Methods<unknown>
}
