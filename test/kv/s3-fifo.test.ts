// S3-FIFO in remote memory, where entries are read that cannot be promoted: the models of the policies promote
// whatever is read.

import { KvStore } from 'emucxl'
import { expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'

const ONE = Uint8Array.of(1)

eachBackend(({ open }) => {
  test('an entry that is demoted has not been read since', () => {
    using cxl = open()
    const limits = { local: { objects: 1 }, remote: { objects: 2 } }
    using store = new KvStore(cxl, { ...limits, policy: 's3-fifo' })
    store.put('a', ONE)
    store.get('a')
    for (const key of ['b', 'c', 'd']) store.put(key, ONE)
    expect([...store.keys()].sort()).toEqual(['b', 'c', 'd'])
  })

  test('an entry goes round once for each read in remote memory', () => {
    using cxl = open()
    const limits = { local: { objects: 0 }, remote: { objects: 3 } }
    using store = new KvStore(cxl, { ...limits, policy: 's3-fifo' })
    for (const key of ['a', 'b', 'c', 'd']) store.put(key, ONE)
    const keysAfter = (key: string) => {
      store.put(key, ONE)
      return [...store.keys()].sort().join('')
    }
    store.get('b')
    expect([keysAfter('e'), keysAfter('f')]).toEqual(['bde', 'bef'])
    for (const _ of ['once', 'twice']) store.get('f')
    expect([...'ghijklm'].map(keysAfter)).toEqual([
      ...['efg', 'fgh', 'fhi', 'fij', 'fjk', 'fkl', 'klm'],
    ])
  })
})
