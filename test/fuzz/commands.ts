// Random sequences of calls, as plain data: what a counterexample shows, and what is shrunk.

import fc from 'fast-check'
import { alloc, free, type Manner } from './blocks.js'
import { copyOrMove, fill, poke, readOrWrite } from './bytes.js'
import { IMPOSTOR_NAMES, type MemoryArgument, VIEW_NAMES } from './memory.js'
import { PAGE } from './model.js'
import { migrate, resize } from './moves.js'
import { ask } from './questions.js'
import {
  account,
  attachStale,
  clone,
  close,
  collect,
  drop,
  type OpenCommand,
  open,
  resizeForeign,
  setCapacity,
  share,
  transfer,
} from './surroundings.js'
import { type Argument, BLOCK_OPTIONS, type BlockOptionsName, ODD_NAMES } from './values.js'
import { NoSuchMemory, type World } from './world.js'

/** What is done, and with what: plain data. */
export type Step = readonly [name: string, ...taken: unknown[]]

const pick = fc.nat({ max: 23 })
const odd: fc.Arbitrary<Argument> = fc.constantFrom(...ODD_NAMES).map((name) => ({ odd: name }))

/** Mostly right, at times one of the odd values. */
const mostly = (right: fc.Arbitrary<Argument>): fc.Arbitrary<Argument> =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: odd })

const edges = [1, 2, 8, 100, PAGE - 1, PAGE, PAGE + 1, 5000, 2 * PAGE, 3 * PAGE + 8, 4 * PAGE]
const size = mostly(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...edges) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 5 * PAGE }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 40 * PAGE, 2 ** 40, 2 ** 32 + 1) },
  ),
)
const unit = fc.double({ min: 0, max: 0.999, noNaN: true, noDefaultInfinity: true })
const part: fc.Arbitrary<Argument> = unit.map((part) => ({ part }))
const offset = mostly(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 0, 0, 1, 7, 8, PAGE - 1, PAGE, PAGE + 1) },
    { weight: 3, arbitrary: part },
    { weight: 1, arbitrary: fc.nat({ max: 2 * PAGE }) },
  ),
)
const length = mostly(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 8, 64, 100, PAGE - 1, PAGE) },
    { weight: 8, arbitrary: part },
    { weight: 1, arbitrary: fc.nat({ max: 3 * PAGE }) },
  ),
)
const optionalLength = fc.option(length, { freq: 3 })
const node = mostly(fc.constantFrom(0, 1, 0, 1, 0, 1, 2, 3))
const byte = mostly(
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: -1, max: 255 }) },
    { weight: 1, arbitrary: fc.constantFrom(256, -2) },
  ),
)

const view = fc.option(fc.constantFrom('uint8', 'data', 'uint8', 'data', ...VIEW_NAMES), {
  freq: 3,
})

const memoryOf = (from: fc.Arbitrary<'live' | 'dead' | 'foreign'>): fc.Arbitrary<MemoryArgument> =>
  fc
    .tuple(
      from,
      pick,
      view,
      fc.oneof(fc.constant(0), unit, unit),
      fc.oneof(fc.constant(0.999), unit),
    )
    .map(([from, pick, view, at, part]) =>
      view === null ? { from, pick } : { from, pick, view, at, part },
    )

const impostor: fc.Arbitrary<MemoryArgument> = fc
  .constantFrom(...IMPOSTOR_NAMES)
  .map((impostor) => ({ impostor }))

const address = fc.oneof(
  { weight: 14, arbitrary: memoryOf(fc.constant('live')) },
  { weight: 2, arbitrary: memoryOf(fc.constant('dead')) },
  { weight: 1, arbitrary: memoryOf(fc.constant('foreign')) },
  { weight: 1, arbitrary: impostor },
)
/** As address; most often the buffer itself, as free, resize and migrate want it. */
const block = fc.oneof(
  { weight: 4, arbitrary: pick.map((pick): MemoryArgument => ({ from: 'live', pick })) },
  { weight: 3, arbitrary: address },
)
const buffer = fc.oneof(
  { weight: 8, arbitrary: memoryOf(fc.constant('foreign')) },
  { weight: 3, arbitrary: memoryOf(fc.constant('live')) },
  { weight: 1, arbitrary: memoryOf(fc.constant('dead')) },
  { weight: 1, arbitrary: impostor },
)

const manner: fc.Arbitrary<Manner> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('sync' as const) },
      { weight: 1, arbitrary: fc.constant('async' as const) },
      { weight: 2, arbitrary: fc.constant('flying' as const) },
    ),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('no' as const) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('before' as const, 'now' as const, 'later' as const),
      },
    ),
  )
  .map(([how, abort]) => (how === 'sync' ? { how, abort: 'no' } : { how, abort }))

const blockOptions = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom<BlockOptionsName>('none', 'none', 'empty', 'shared') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...(Object.keys(BLOCK_OPTIONS) as BlockOptionsName[])),
  },
)

const openCommand: fc.Arbitrary<OpenCommand> = fc.record({
  pages: fc.array(fc.constantFrom(8, 16, 6, 40, 3, 0, 2 ** 20), { minLength: 2, maxLength: 3 }),
  lock: fc.nat({ max: 15 }).map((n) => n === 15),
  hideFromGc: fc.nat({ max: 3 }).map((n) => n !== 3),
  standard: fc.nat({ max: 2 }).map((n) => n === 2),
})

/** What every sequence begins with: a context and some blocks. */
export interface Opening {
  readonly open: OpenCommand
  readonly blocks: readonly [size: Argument, node: Argument, options: BlockOptionsName][]
}

export const opening: fc.Arbitrary<Opening> = fc.record({
  open: openCommand,
  blocks: fc.array(fc.tuple(size, node, blockOptions), { minLength: 1, maxLength: 4, size: 'max' }),
})

type Tuple = readonly unknown[]

interface Kind {
  readonly name: string
  readonly weight: number
  readonly arbitrary: fc.Arbitrary<Step>
  readonly run: (world: World, ...taken: Tuple) => void | Promise<void>
}

/** A kind of step: how often, what it takes, what it does. */
const kind = <T extends Tuple>(
  name: string,
  weight: number,
  takes: { [K in keyof T]: fc.Arbitrary<T[K]> },
  run: (world: World, ...taken: T) => void | Promise<void>,
): Kind => ({
  name,
  weight,
  arbitrary: fc
    .tuple<unknown[]>(...(takes as unknown as fc.Arbitrary<unknown>[]))
    .map((taken): Step => [name, ...taken]),
  run: run as Kind['run'],
})

/** What may happen only when no operation is under way waits for all of them first. */
const alone =
  <T extends Tuple>(run: (world: World, ...taken: T) => void | Promise<void>) =>
  async (world: World, ...taken: T): Promise<void> => {
    await world.settle()
    await run(world, ...taken)
  }

const KINDS = [
  kind('open', 2, [openCommand], (w, command) => open(w, command)),
  kind(
    'close',
    1,
    [pick, fc.constantFrom('close', 'dispose', 'closeAsync', 'asyncDispose')],
    (w, c, how) => close(w, w.context(c), how),
  ),
  kind('alloc', 14, [pick, size, node, blockOptions, manner], (w, c, size, node, options, how) =>
    alloc(w, w.context(c), size, node, options, how),
  ),
  kind('free', 5, [pick, block, manner], (w, c, a, how) =>
    free(w, w.context(c), w.operand(a, 'address'), how),
  ),
  kind('resize', 8, [pick, block, size, manner], (w, c, a, size, how) =>
    resize(w, w.context(c), w.operand(a, 'address'), size, how),
  ),
  kind('migrate', 8, [pick, block, node, manner], (w, c, a, node, how) =>
    migrate(w, w.context(c), w.operand(a, 'address'), node, how),
  ),
  kind('ask', 6, [pick, address, manner], (w, c, a, how) =>
    ask(w, w.context(c), w.operand(a, 'address'), how),
  ),
  kind(
    'read',
    7,
    [pick, address, offset, buffer, optionalLength, manner],
    (w, c, a, at, b, size, how) =>
      readOrWrite(
        w,
        'read',
        w.context(c),
        w.operand(a, 'address'),
        at,
        w.operand(b, 'buffer'),
        size,
        how,
      ),
  ),
  kind(
    'write',
    9,
    [pick, address, offset, buffer, optionalLength, manner],
    (w, c, a, at, b, size, how) =>
      readOrWrite(
        w,
        'write',
        w.context(c),
        w.operand(a, 'address'),
        at,
        w.operand(b, 'buffer'),
        size,
        how,
      ),
  ),
  kind('fill', 9, [pick, address, byte, offset, optionalLength, manner], (w, c, a, v, at, n, how) =>
    fill(w, w.context(c), w.operand(a, 'address'), v, at, n, how),
  ),
  kind(
    'copy',
    6,
    [fc.constantFrom('copy', 'move'), pick, address, offset, address, offset, length, manner],
    (w, method, c, to, toAt, from, fromAt, n, how) =>
      copyOrMove(
        w,
        method,
        w.context(c),
        w.operand(to, 'to'),
        toAt,
        w.operand(from, 'from'),
        fromAt,
        n,
        how,
      ),
  ),
  kind('store', 8, [fc.oneof(address, buffer), fc.nat({ max: 255 })], (w, a, value) =>
    poke(w, w.operand(a, 'memory'), value),
  ),
  kind(
    'setCapacity',
    2,
    [pick, node, mostly(fc.nat({ max: 20 * PAGE }))],
    alone((w, c, node, bytes) => setCapacity(w, w.context(c), node, bytes)),
  ),
  kind('account', 1, [pick, node], (w, c, node) => account(w, w.context(c), node)),
  kind('share', 4, [pick, block], (w, c, a) => share(w, w.context(c), w.operand(a, 'address'))),
  kind('attach', 1, [pick, odd], (w, p, argument) => attachStale(w, p, argument)),
  kind(
    'transfer',
    2,
    [
      memoryOf(fc.constantFrom('live', 'live', 'foreign')),
      fc.option(fc.nat({ max: 9000 }), { freq: 1 }),
    ],
    (w, a, length) => transfer(w, w.operand(a, 'memory'), length),
  ),
  kind('clone', 1, [memoryOf(fc.constant('live'))], (w, a) => clone(w, w.operand(a, 'memory'))),
  kind('resizeForeign', 1, [fc.nat({ max: 9000 })], (w, n) => resizeForeign(w, n)),
  kind(
    'drop',
    3,
    [memoryOf(fc.constantFrom('live', 'dead'))],
    alone((w, a) => drop(w, w.operand(a, 'memory'))),
  ),
  kind(
    'collect',
    1,
    [],
    alone((w) => collect(w)),
  ),
  kind('wait', 6, [], (w) => w.settle()),
]

const RUN = new Map(KINDS.map(({ name, run }) => [name, run]))

export const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(...KINDS), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
})

/** Runs a sequence on a new world; throws where the two worlds differ. */
export async function play(world: World, { open: first, blocks }: Opening, sequence: Step[]) {
  open(world, { ...first, standard: false })
  for (const [size, node, options] of blocks) {
    await alloc(world, world.context(0), size, node, options, { how: 'sync', abort: 'no' })
  }
  for (const step of sequence) {
    const [name, ...taken] = step
    try {
      await RUN.get(name)?.(world, ...taken)
    } catch (error) {
      if (!(error instanceof NoSuchMemory)) throw error
    }
    world.check()
  }
  await world.settle()
  for (const context of world.contexts) await close(world, context, 'close')
  world.check()
}
