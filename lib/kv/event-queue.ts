// What happens to the entries of a store during a call: noted then, for those who listen, and told when the call
// is done, since who hears it may use the store.

import { channels } from './channels.js'
import type { EntryTable } from './entry-table.js'
import type { AnyStore, KvEvent } from './events.js'
import type { Key } from './key.js'

type EventName = keyof typeof channels

export class EventQueue {
  readonly #store: AnyStore
  readonly #table: EntryTable
  readonly #events: [EventName, KvEvent][] = []

  constructor(store: AnyStore, table: EntryTable) {
    this.#store = store
    this.#table = table
  }

  /** Notes what happens to an entry. Where somebody listens, it is the one that was read last then. */
  note(event: EventName, entry: number): void {
    if (!channels[event].hasSubscribers) return
    const table = this.#table
    table.read(entry)
    const { storedKey: key } = table
    this.#events.push([event, { store: this.#store, key, tier: table.tierOf(entry) }])
  }

  /** Notes that there is no entry with a key. */
  noteMiss(key: Key): void {
    if (channels.miss.hasSubscribers) this.#events.push(['miss', { store: this.#store, key }])
  }

  /** Tells what was noted. */
  publish(): void {
    while (this.#events.length > 0) {
      const [event, message] = this.#events.shift() as [EventName, KvEvent]
      channels[event].publish(message)
    }
  }
}
