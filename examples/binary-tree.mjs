// A binary search tree: what is near its root, and so read most, in local memory, the rest in remote.
import { array, Emucxl, NULL_REF, ref, StructCache, struct, uint32 } from 'emucxl'

const [LOCAL, REMOTE] = [0, 1] // the numbers of the nodes
const LOCAL_LEVELS = 5
const cxl = Emucxl.open()
const Vertex = struct({ key: uint32, children: array(ref, 2) })
const vertices = new StructCache(cxl, Vertex)
const make = (key, node) => vertices.create({ key, children: [NULL_REF, NULL_REF] }, node)
const root = make(500, LOCAL)

function insert(key) {
  let at = root
  for (let level = 1; ; level++) {
    const side = key < vertices.get.key(at) ? 0 : 1
    const child = vertices.get.children.at(at, side)
    if (child === NULL_REF) {
      const node = level < LOCAL_LEVELS ? LOCAL : REMOTE
      return vertices.set.children.at(at, side, make(key, node))
    }
    at = child
  }
}

function* inOrder(at = root) {
  if (at === NULL_REF) return
  const [left, right] = vertices.get.children(at)
  yield* inOrder(left)
  yield vertices.get.key(at)
  yield* inOrder(right)
}

for (let i = 1; i < 1000; i++) insert((500 + i * 619) % 1000)
const keys = [...inOrder()]
console.log(`${keys.length} keys, in order: ${keys.every((key, i) => key === i)}`)
for (const { node, objects } of vertices.stats().nodes) console.log(`node ${node}: ${objects}`)
cxl.close()
