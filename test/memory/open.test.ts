// Opening a context: backends, roles, capacities, and options that are wrong.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Emucxl, type OpenOptions } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { chooseBackend, inspectBackends } from '../../dist/lib/memory/backends.js'
import { readTopology } from '../../dist/lib/memory/topology.js'
import { eachBackend } from './each-backend.js'
import {
  emucxlError,
  expectFailure,
  failureOf,
  rangeError,
  typeError,
  type Wanted,
} from './refusal.js'

const emulated = { backend: 'emulated' } as const
const nodes = readTopology()
const first = nodes[0]?.id ?? 0

eachBackend(({ name, open }) => {
  test('has a local node and a remote one', () => {
    using cxl = open()
    expect(cxl.backend).toBe(name)
    expect(cxl.closed).toBe(false)
    expect(cxl.modelled).toBe(false)
    expect(cxl.nodes.map(({ node, role }) => [node, role])).toEqual([
      [0, 'local'],
      [1, 'remote'],
    ])
    for (const { numaNode } of cxl.nodes) expect(nodes.map(({ id }) => id)).toContain(numaNode)
  })

  test('several remote nodes are 1, 2, …', () => {
    using cxl = open({ local: first, remote: [first, first, first] })
    expect(cxl.nodes).toEqual([
      { node: 0, role: 'local', numaNode: first },
      { node: 1, role: 'remote', numaNode: first },
      { node: 2, role: 'remote', numaNode: first },
      { node: 3, role: 'remote', numaNode: first },
    ])
    expect(cxl.nodeOf(cxl.alloc(1, 3))).toBe(3)
  })

  test('nodes are not for the user to change', () => {
    using cxl = open()
    expect(Object.isFrozen(cxl.nodes)).toBe(true)
    expect(cxl.nodes.every(Object.isFrozen)).toBe(true)
  })

  test('capacities are by node', () => {
    using cxl = open({ remote: [first, first], capacity: { local: 4096, remote: [8192, 12288] } })
    expect(cxl.nodes.map(({ node }) => cxl.stats(node).capacity)).toEqual([4096, 8192, 12288])
  })

  test('one number is the capacity of every remote node', () => {
    using cxl = open({ remote: [first, first], capacity: { remote: 8192 } })
    expect([1, 2].map((node) => cxl.stats(node).capacity)).toEqual([8192, 8192])
  })

  test('the capacity left out is what the NUMA node has', () => {
    using cxl = open({ local: first, capacity: {} })
    const { memoryTotal } = nodes.find(({ id }) => id === first) ?? { memoryTotal: 0 }
    expect(cxl.stats(0).capacity).toBe(memoryTotal || totalmem())
  })

  test('a capacity of 0 is one', () => {
    using cxl = open({ capacity: { local: 0 } })
    expect(cxl.stats(0)).toMatchObject({ capacity: 0, available: 0 })
  })
})

describe('auto', () => {
  test('takes the first that runs and has two nodes to tell apart', () => {
    const states = inspectBackends(nodes)
    const wanted = states.find(({ available, note }) => available && note === undefined)?.name
    expect(chooseBackend(states)).toBe(wanted)
    using cxl = Emucxl.open()
    expect(cxl.backend).toBe(wanted)
    using named = Emucxl.open({ backend: 'auto' })
    expect(named.backend).toBe(wanted)
  })

  test('says once that memory is emulated, and why', () => {
    const program = `
      import { Emucxl } from ${JSON.stringify(fileURLToPath(import.meta.resolve('emucxl')))}
      Emucxl.open({ devicePath: '/nowhere' }).close()
      Emucxl.open({ devicePath: '/nowhere' }).close()`
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    )
    expect(status).toBe(0)
    if (chooseBackend(inspectBackends(nodes, '/nowhere')) !== 'emulated') {
      expect(stderr).toBe('')
      return
    }
    expect(stderr.match(/EmucxlWarning/g)).toHaveLength(1)
    expect(stderr).toContain('EMUCXL_EMULATED')
    expect(stderr).toContain('/nowhere is not there')
    expect(stderr).toContain("backend 'emulated'")
  })

  test('a fallback is announced once in a process, whatever the number of threads', () => {
    const url = import.meta.resolve('emucxl')
    const opens = `import('${url}').then((m) => m.Emucxl.open({ devicePath: '/nowhere' }).close())`
    const program = `
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      const opens = ${JSON.stringify(opens)}
      const workers = [1, 2, 3].map(() => new Worker(opens, { eval: true }))
      await Promise.all(workers.map((worker) => once(worker, 'exit')))
      await (0, eval)(opens)`
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    )
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const falls = chooseBackend(inspectBackends(nodes, '/nowhere')) === 'emulated'
    expect(stderr.match(/EmucxlWarning/g) ?? []).toHaveLength(falls ? 1 : 0)
  })

  test('emulated asked for by name is not announced', () => {
    const program = `
      import { Emucxl } from ${JSON.stringify(fileURLToPath(import.meta.resolve('emucxl')))}
      Emucxl.open({ backend: 'emulated' }).close()`
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
  })
})

describe('the device', () => {
  test('that is not there', async () => {
    const error = await failureOf(() => Emucxl.open({ backend: 'device', devicePath: '/nowhere' }))
    expectFailure(
      error,
      emucxlError('BACKEND_UNAVAILABLE', '/nowhere is not there', 'kernel module'),
    )
    expect(error).toMatchObject({ syscall: 'open', errno: -2 })
  })

  test.for(['', '/dev/emucxl\0x'])('that is no path: %j', async (devicePath) => {
    const error = await failureOf(() => Emucxl.open({ backend: 'device', devicePath }))
    expectFailure(error, rangeError('options.devicePath must be a path'))
  })

  test.for(['/', '/etc/passwd', '/dev/null'])('that is %s', async (devicePath) => {
    const error = await failureOf(() => Emucxl.open({ backend: 'device', devicePath }))
    expectFailure(error, emucxlError('BACKEND_UNAVAILABLE', devicePath))
  })

  test('that the user may not open', ({ skip }) => {
    const forbidden = [
      '/dev/mem',
      '/dev/port',
      '/dev/kmsg',
      '/dev/loop-control',
      '/dev/mapper/control',
    ]
    const devicePath = forbidden.find((path) => {
      const status = statSync(path, { throwIfNoEntry: false })
      return status?.isCharacterDevice() && (status.mode & 0o006) === 0
    })
    if (devicePath === undefined) return skip('no device here is closed to some user')
    const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
    const entry = fileURLToPath(import.meta.resolve('emucxl'))
    const program = `
      import { Emucxl } from ${JSON.stringify(entry)}
      try { Emucxl.open({ backend: 'device', devicePath: ${JSON.stringify(devicePath)} }) }
      catch ({ name, code, message, syscall }) {
        console.log(JSON.stringify({ name, code, message, syscall }))
      }`
    const {
      stdout,
      stderr,
      error: cannotRun,
    } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      cwd: '/',
      ...nobody,
    })
    if (cannotRun !== undefined || /EACCES|ERR_MODULE_NOT_FOUND/.test(stderr)) {
      return skip('an ordinary user cannot run this Node.js, or read this folder')
    }
    const error = JSON.parse(stdout)
    expect(error).toMatchObject({
      name: 'EmucxlError',
      code: 'ERR_EMUCXL_BACKEND_UNAVAILABLE',
      syscall: 'open',
    })
    expect(error.message).toContain(`${devicePath} may not be opened by this user`)
    expect(error.message).toContain('join the group')
  })

  test('is opened for reading and writing', () => {
    accessSync('/dev/zero', constants.R_OK | constants.W_OK)
    using cxl = Emucxl.open({ backend: 'device', devicePath: '/dev/zero' })
    expect(cxl.backend).toBe('device')
  })
})

const missing = Math.max(...nodes.map(({ id }) => id)) + 1

const WRONG: [title: string, options: unknown, wanted: Wanted][] = [
  ['options 5', 5, typeError('options must be an object, not 5')],
  ['options null', null, typeError('options must be an object, not null')],
  ['options a string', 'x', typeError('options must be an object')],
  [
    'backend unknown',
    { backend: 'cxl' },
    rangeError("options.backend must be one of 'auto', 'device'"),
  ],
  ['backend 1', { backend: 1 }, typeError('options.backend must be one of')],
  ['backend null', { backend: null }, typeError('options.backend must be one of')],
  ['devicePath 5', { devicePath: 5 }, typeError('options.devicePath must be a path, not 5')],
  ['devicePath null', { devicePath: null }, typeError('options.devicePath')],
  ['local a string', { local: '0' }, typeError('options.local must be the number of a NUMA node')],
  ['local null', { local: null }, typeError('options.local')],
  [
    'local not online',
    { local: missing },
    emucxlError('BAD_NODE', `options.local: NUMA node ${missing} is not online`, /has \d/),
  ],
  ['local -1', { local: -1 }, emucxlError('BAD_NODE', 'options.local: NUMA node -1')],
  ['local NaN', { local: Number.NaN }, emucxlError('BAD_NODE', 'options.local')],
  ['local 0.5', { local: 0.5 }, emucxlError('BAD_NODE', 'options.local')],
  ['remote a string', { remote: '1' }, typeError('options.remote')],
  ['remote null', { remote: null }, typeError('options.remote')],
  [
    'remote none',
    { remote: [] },
    rangeError('options.remote must be at least one NUMA node, not []'),
  ],
  ['remote not online', { remote: [first, missing] }, emucxlError('BAD_NODE', 'options.remote')],
  ['remote nested', { remote: [[first]] }, typeError('options.remote')],
  ['capacity 5', { capacity: 5 }, typeError('options.capacity must be an object, not 5')],
  ['capacity null', { capacity: null }, typeError('options.capacity')],
  ['capacity.local -1', { capacity: { local: -1 } }, rangeError('options.capacity.local')],
  ['capacity.local 0.5', { capacity: { local: 0.5 } }, rangeError('options.capacity.local')],
  ['capacity.local NaN', { capacity: { local: Number.NaN } }, rangeError('options.capacity.local')],
  ['capacity.local 2^53', { capacity: { local: 2 ** 53 } }, rangeError('options.capacity.local')],
  ['capacity.local 1n', { capacity: { local: 1n } }, typeError('options.capacity.local')],
  ['capacity.local null', { capacity: { local: null } }, typeError('options.capacity.local')],
  ['capacity.remote null', { capacity: { remote: null } }, typeError('options.capacity.remote')],
  ['capacity.remote {}', { capacity: { remote: {} } }, typeError('options.capacity.remote')],
  ['capacity.remote a string', { capacity: { remote: '1' } }, typeError('options.capacity.remote')],
  [
    'capacity.remote [null]',
    { capacity: { remote: [null] } },
    typeError('options.capacity.remote'),
  ],
  [
    'capacity.remote of two nodes for one',
    { capacity: { remote: [1, 2] } },
    rangeError(
      'options.capacity.remote must be a number, or an array with one for each remote node: 1',
    ),
  ],
  ['capacity.remote of none', { capacity: { remote: [] } }, rangeError('options.capacity.remote')],
  [
    'hugePages unknown',
    { hugePages: 'all' },
    rangeError("options.hugePages must be one of 'require'"),
  ],
  ['hugePages true', { hugePages: true }, typeError('options.hugePages')],
  ['lock 1', { lock: 1 }, typeError('options.lock must be a boolean, not 1')],
  ['prefault null', { prefault: null }, typeError('options.prefault')],
  ['hideFromGc 0', { hideFromGc: 0 }, typeError('options.hideFromGc must be a boolean, not 0')],
  ['hideFromGc null', { hideFromGc: null }, typeError('options.hideFromGc')],
]

describe('is refused with', () => {
  test.for(WRONG)('%s', async ([, options, wanted]) => {
    const filled = typeof options === 'object' && options !== null
    const all = filled ? { ...emulated, ...options } : options
    expectFailure(await failureOf(() => Emucxl.open(all as OpenOptions)), wanted)
  })

  test('an option of the hostile kind, though inspecting it throws', async () => {
    const hostile = {
      get [Symbol.toStringTag]() {
        throw new Error('not to be seen')
      },
    }
    const call = () => Emucxl.open({ ...emulated, devicePath: hostile as unknown as string })
    expectFailure(await failureOf(call), typeError('options.devicePath must be a path'))
  })

  test('a constructor instead of open()', async () => {
    const Bare = Emucxl as unknown as new () => Emucxl
    const error = await failureOf(() => new Bare())
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('call Emucxl.open()')
  })
})

test('methods of something else than a context fail without harm', async () => {
  for (const method of ['alloc', 'free', 'stats', 'close', 'read', 'migrate'] as const) {
    const call = () => Reflect.apply(Emucxl.prototype[method], {}, [1, 0])
    expect(await failureOf(call)).toBeInstanceOf(TypeError)
  }
})
