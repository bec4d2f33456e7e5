// A linked list whose nodes lie by turns in local and in remote memory.
import {
  Emucxl,
  LOCAL_MEMORY,
  NULL_REF,
  REMOTE_MEMORY,
  ref,
  StructCache,
  struct,
  utf8,
} from 'emucxl'

const cxl = Emucxl.open()
const items = new StructCache(cxl, struct({ name: utf8(16), next: ref }))

let first = NULL_REF
for (const [i, name] of ['delta', 'charlie', 'bravo', 'alpha'].entries()) {
  first = items.create({ name, next: first }, i % 2 === 0 ? LOCAL_MEMORY : REMOTE_MEMORY)
}

function* list() {
  for (let item = first; item !== NULL_REF; item = items.get.next(item)) yield item
}

const show = () =>
  [...list()].map((item) => `${items.get.name(item)}@${items.nodeOf(item)}`).join(' → ')
console.log(show())

first = items.migrate(first, LOCAL_MEMORY) // an object that moves has a new ref
console.log(show())

items.destroy()
console.log(`mapped: ${cxl.mappings().length}`)
cxl.close()
