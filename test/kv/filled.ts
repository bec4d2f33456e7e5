// A store to be attacked, and a look at whether it is whole.

import { type Emucxl, KvStore, type KvStoreOptions } from 'emucxl'
import { expect } from 'vitest'

const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString()

/** A store with a few entries in both tiers, and a check that they are as they were. */
export function filled(cxl: Emucxl, options: Omit<KvStoreOptions, 'codec'> = {}) {
  const store = new KvStore(cxl, { local: { objects: 3 }, ...options })
  const wanted = new Map<string, string>()
  for (let i = 0; i < 9; i++) {
    store.put(`there ${i}`, Buffer.from(`value ${i}`))
    wanted.set(`there ${i}`, `value ${i}`)
  }
  const isWhole = () => {
    const found = [...store].filter(([key]) => `${key}`.startsWith('there'))
    expect(new Map(found.map(([key, value]) => [key, text(value)]))).toEqual(wanted)
    const { entries, local, remote } = store.stats()
    expect([entries, local.entries + remote.entries]).toEqual([store.size, store.size])
    for (const [key, value] of wanted) expect(text(store.get(key))).toBe(value)
  }
  return { store, isWhole }
}
