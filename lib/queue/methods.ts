// The two methods of a queue that are called for each element, written out for the type of its elements.
// V8 inlines what it sees called at a place only while that is one function: with one method for all
// types a program with queues of two types pays several calls for each element.

import { mayCompile, Writer } from '../slab/accessors.js'
import type { FieldType } from '../slab/field-types.js'
import type { Queue } from './queue.js'

const NO_BYTES = new DataView(new ArrayBuffer(0))

/** The two ends of a queue. */
export class Ends {
  /** Elements, and those that were dequeued so far. */
  size = 0
  gone = 0
  /** The next element to be read: its view, its offset, and the end of its segment. */
  headView = NO_BYTES
  headAt = 0
  headEnd = 0
  /** Where the next element is written. */
  tailView = NO_BYTES
  tailAt = 0
  tailEnd = 0
}

/** What the methods need of the inside of a queue. */
export interface Inside {
  endsOf: (queue: Queue<unknown>) => Ends
  /** The tail's segment is full, or there is none: adds one. */
  grow: (queue: Queue<unknown>) => void
  /** All elements are gone. */
  rewind: (queue: Queue<unknown>) => void
  /** All elements of the head's segment are gone, and there are more. */
  advance: (queue: Queue<unknown>) => void
  /** Throws where the queue cannot be used any more, else the error. */
  explain: (queue: Queue<unknown>, error?: unknown) => void
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

function compile(type: FieldType<unknown>, inside: Inside): Methods<unknown> {
  const writer = new Writer({ ...inside })
  const { checks, put } = writer.write(type, 'offset', 'value')
  return writer.compile(`{
    enqueue: function (value) {
      ${checks}
      const ends = endsOf(this);
      if (ends.tailAt === ends.tailEnd) grow(this);
      const view = ends.tailView;
      const offset = ends.tailAt;
      try { ${put} } catch (error) { explain(this, error); }
      ends.tailAt = offset + ${type.size};
      ends.size++;
    },
    dequeue: function () {
      const ends = endsOf(this);
      if (ends.size === 0) { explain(this); return undefined; }
      const view = ends.headView;
      const offset = ends.headAt;
      let value;
      try { value = ${writer.read(type, 'offset')}; } catch (error) { explain(this, error); }
      ends.headAt = offset + ${type.size};
      ends.gone++;
      ends.size--;
      if (ends.size === 0) rewind(this);
      else if (ends.headAt === ends.headEnd) advance(this);
      return value;
    },
  }`) as Methods<unknown>
}
