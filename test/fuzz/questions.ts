// The questions about a block: isLocal, nodeOf, sizeOf, where.

import type { Address, Residency } from 'emucxl'
import { blockOf, closedProblems, type Manner } from './blocks.js'
import type { Operand } from './memory.js'
import { type Block, type ContextModel, PAGE } from './model.js'
import { expectEqual, type Verdict, type World } from './world.js'

/** The kernel's word on the place of the pages, where the backend has any say in it. */
function checkPlace(world: World, block: Block, found: Residency): void {
  if (world.backend !== 'numa' || block.strewn || block.mover !== undefined) return
  const numaNode = String(block.context.numaNodes[block.node])
  for (const place of Object.keys(found.nodes)) {
    expectEqual(place, numaNode, `NUMA node of a block on node ${block.node}`)
  }
}

/** isLocal, nodeOf, sizeOf, where. */
export async function ask(
  world: World,
  context: ContextModel,
  operand: Operand,
  manner: Manner,
): Promise<void> {
  const block = blockOf(operand)
  const { face } = context
  const verdict: Verdict = {
    must: [...closedProblems(context), ...operand.addressProblems],
    may: [],
  }
  const address = operand.value as Address
  const where = (found: Residency) => {
    if (block === undefined) throw new Error('is nowhere')
    const pages = Object.values(found.nodes).reduce((sum, n) => sum + n, found.untouched)
    expectEqual(pages, block.mapped / PAGE, `pages of ${operand.text}`)
    expectEqual(found.pageSize, PAGE, `page size of ${operand.text}`)
  }
  world.call(
    `${context.name}.sizeOf(${operand.text})`,
    verdict,
    () => face.sizeOf(address),
    (size) => expectEqual(size, block?.size, `sizeOf(${operand.text})`),
  )
  for (const method of ['nodeOf', 'isLocal'] as const) {
    world.call(
      `${context.name}.${method}(${operand.text})`,
      verdict,
      () => face[method](address),
      (found) => {
        const nodes = [block?.node, block?.mover?.node ?? block?.node]
        const allowed = method === 'nodeOf' ? nodes : nodes.map((node) => node === 0)
        expectEqual(allowed.includes(found as never), true, `${method} is ${String(found)}`)
      },
    )
  }
  const { cxl } = face
  if (cxl === undefined) return
  if (manner.how === 'sync') {
    const text = `${context.name}.where(${operand.text})`
    world.call(
      text,
      verdict,
      () => cxl.where(address),
      (found) => {
        where(found)
        if (block !== undefined) checkPlace(world, block, found)
      },
    )
    return
  }
  world.launch({
    text: `${context.name}.whereAsync(${operand.text})`,
    verdict,
    abort: manner.abort,
    stops: false,
    start: (signal) => cxl.whereAsync(address, signal),
    land: (value) => where(value as Residency),
  })
  if (manner.how === 'async') await world.settle()
}
