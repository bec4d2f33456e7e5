// `emucxl bench` on the emulated backend: its report, its tables, and how it ends.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AccessRow } from '../../bench/access.js'
import type { BandwidthRow } from '../../bench/bandwidth/row.js'
import type { BenchReport } from '../../bench/harness/report.js'
import type { LatencyRow } from '../../bench/latency/row.js'
import { emucxl, MAIN } from './command.js'

/** A bench that takes no time, of which the shape can be seen. */
const QUICK = [
  ...['--backend', 'emulated', '--runs', '2', '--processes', '1'],
  ...['--count', '50', '--size', '1MiB'],
]

/** A folder that goes when the test ends. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-files-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function report(...args: string[]): Promise<BenchReport> {
  const { code, stdout } = await emucxl(['bench', '--json', ...args])
  expect(code).toBe(0)
  return JSON.parse(stdout) as BenchReport
}

const positive = expect.toSatisfy((n: unknown) => typeof n === 'number' && n > 0 && n < 1e12)
const notNegative = expect.toSatisfy((n: unknown) => typeof n === 'number' && n >= 0 && n < 1e12)

/** The fields of a figure with so many samples, of one process. */
const figure = (unit: string, samples: number) => ({
  ...{ unit, samples, best: positive, median: positive, mean: positive, p99: positive },
  ...{ sd: notNegative, trials: [Array.from({ length: samples }, () => positive)] },
})

describe('the JSON report', () => {
  it('tells the version, the machine, the backend and the conditions', async () => {
    const found = await report('queue', ...QUICK)
    expect(Object.keys(found)).toEqual([
      'version',
      'date',
      'quick',
      'interrupted',
      'machine',
      'numaNodes',
      'backend',
      'nodes',
      'latencyModel',
      'conditions',
      'experiments',
    ])
    expect(Date.parse(found.date)).toBeGreaterThan(0)
    expect(found.machine).toMatchObject({ node: process.version, cpus: positive })
    expect(found.backend).toBe('emulated')
    expect(found.nodes.map(({ node, role }) => [node, role])).toEqual([
      [0, 'local'],
      [1, 'remote'],
    ])
    expect(found.latencyModel).toBeNull()
    expect(found.conditions[0]).toBe('emulated: not a CXL measurement')
  })

  it('has rows of latency: idle by working set and page size, and loaded by threads', async () => {
    const { experiments, conditions } = await report('latency', ...QUICK)
    const rows = experiments['latency']?.rows as LatencyRow[]
    for (const row of rows) {
      const loaded = row.kind === 'loaded'
      expect(row).toEqual({
        kind: expect.stringMatching(/^(idle|loaded)$/),
        cpuNode: notNegative,
        node: expect.stringMatching(/^(local|remote)$/),
        numaNode: notNegative,
        workingSetBytes: positive,
        pageBytes: expect.toBeOneOf([4096, 2 ** 21]),
        threads: loaded ? notNegative : 0,
        trafficGBps: loaded ? notNegative : null,
        loadsPerSample: positive,
        ...figure('ns', 2),
      })
    }
    const idle = rows.filter(({ kind, pageBytes }) => kind === 'idle' && pageBytes === 4096)
    const sets = [15, 16, 17, 18, 19, 20].map((power) => 2 ** power)
    for (const node of ['local', 'remote']) {
      const own = idle.filter((row) => row.node === node)
      expect(own.map(({ workingSetBytes }) => workingSetBytes)).toEqual(sets)
    }
    const loaded = rows.filter(({ kind }) => kind === 'loaded')
    expect(loaded[0]).toMatchObject({ threads: 0, trafficGBps: 0 })
    expect(loaded.filter((row) => row.threads > 0 && row.trafficGBps === 0)).toEqual([])
    // Said where the size of the cache is known and 1 MiB is little beside it, and where it is not.
    expect(conditions.some((line) => /^latency: (working set|size of the caches)/.test(line))).toBe(
      true,
    )
  })

  it('has rows of bandwidth: kernels by threads and node, and mixes of two nodes', async () => {
    const { experiments } = await report('bandwidth', ...QUICK)
    const rows = experiments['bandwidth']?.rows as BandwidthRow[]
    for (const row of rows) {
      expect(row).toEqual({
        kernel: expect.stringMatching(/^(read|write|copy|triad)$/),
        threads: positive,
        node: expect.stringMatching(/^(local|remote|interleaved)$/),
        numaNode: row.node === 'interleaved' ? null : notNegative,
        localShare: notNegative,
        blockBytes: positive,
        pageBytes: expect.toBeOneOf([4096, 2 ** 21]),
        ...figure('GB/s', 2),
      })
    }
    const single = rows.filter(({ threads, node }) => threads === 1 && node !== 'interleaved')
    expect(single.map((row) => [row.kernel, row.node, row.localShare, row.blockBytes])).toEqual(
      ['read', 'write', 'copy', 'triad'].flatMap((kernel) => [
        [kernel, 'local', 1, 2 ** 20],
        [kernel, 'remote', 0, 2 ** 20],
      ]),
    )
    const mixes = rows.filter(({ node }) => node === 'interleaved')
    expect(mixes.map(({ localShare }) => localShare)).toEqual([
      1,
      3 / 4,
      2 / 3,
      1 / 2,
      1 / 3,
      1 / 4,
      0,
    ])
    const most = Math.max(...rows.map(({ threads }) => threads))
    expect(mixes.every(({ kernel, threads }) => kernel === 'read' && threads === most)).toBe(true)
  })

  it('has rows of alloc, by size, of each operation', async () => {
    const { experiments } = await report('alloc', ...QUICK)
    const rows = [2 ** 12, 2 ** 16, 2 ** 20].flatMap((blockBytes) =>
      ['local', 'remote'].flatMap((node) =>
        [
          ['alloc', 'block', 'us'],
          ['touch', 'block', 'us'],
          ['touch', '4 KiB', 'ns/page'],
          ['free', 'block', 'us'],
        ].map(([operation, per, unit]) => ({
          ...{ operation, per, node, numaNode: notNegative, blockBytes, pageBytes: 4096 },
          ...figure(unit as string, 2),
        })),
      ),
    )
    expect(experiments['alloc']?.rows).toEqual(rows)
  })

  it('has rows of migrate, by size, idle and read, both ways', async () => {
    const { experiments, conditions } = await report('migrate', ...QUICK)
    const rows = [2 ** 16, 2 ** 18, 2 ** 20].flatMap((blockBytes) =>
      [0, positive].flatMap((readers) =>
        ['local', 'remote'].map((from) => ({
          ...{ from, to: from === 'local' ? 'remote' : 'local', blockBytes, readers },
          ...{ per: 'call', ...figure('us', 2) },
        })),
      ),
    )
    expect(experiments['migrate']?.rows).toEqual(rows)
    expect(conditions).toContain('migrate: on the emulated backend no page moves')
  })

  it('has rows of access, by way, order and set', async () => {
    const { experiments } = await report('access', ...QUICK)
    const rows = experiments['access']?.rows as AccessRow[]
    for (const row of rows) {
      expect(row).toEqual({
        access: expect.any(String),
        operation: expect.stringMatching(/^(load|store)$/),
        order: expect.stringMatching(/^(sequential|random)$/),
        bytes: positive,
        node: expect.stringMatching(/^(local|remote)$/),
        numaNode: notNegative,
        set: expect.stringMatching(/^(cache|memory)$/),
        workingSetBytes: row.set === 'cache' ? 2 ** 17 : 2 ** 20,
        pageBytes: 4096,
        ...figure('ns', 2),
      })
    }
    const kinds = rows.map(({ access, operation, order, bytes }) =>
      [access, operation, order, bytes].join(' '),
    )
    // Four views and a call of 8 bytes one after the other, and at random; copies of 11 sizes at random.
    const places = 4 // two sets, on two nodes
    expect(rows).toHaveLength(places * (4 * 2 * 2 + 2 + 11 * 3 * 2))
    for (const kind of ['Int32Array store sequential 4', 'DataView load random 8']) {
      expect(kinds.filter((each) => each === kind)).toHaveLength(places)
    }
    expect(kinds.slice(-places)).toEqual(Array(places).fill('call store random 65536'))
  })

  it('has rows of the queue, beside the paper', async () => {
    const { experiments } = await report('queue', ...QUICK)
    const rows = (variant: string, operation: string, local: number, remote: number) =>
      Object.entries({ local, remote }).map(([node, paperMeanMs]) => ({
        variant,
        operation,
        node,
        operations: 50,
        runs: 2,
        meanMs: positive,
        sdMs: notNegative,
        nsPerOperation: positive,
        paperMeanMs,
        paperOperations: 15_000,
        trialsMs: [[positive, positive]],
      }))
    const found = experiments['queue']?.rows
    expect(found).toEqual(
      ['region', 'slab'].flatMap((variant) => [
        ...rows(variant, 'enqueue', 502.98, 567.21),
        ...rows(variant, 'dequeue', 417.69, 500.4),
      ]),
    )
    for (const row of found as { meanMs: number; nsPerOperation: number }[]) {
      expect(row.nsPerOperation).toBeCloseTo((row.meanMs * 1e6) / 50, 3)
    }
  })

  it('calls modelled what is modelled, and the model holds', async () => {
    const model = ['--latency-model', 'table-5-far']
    const found = await report('latency', '--runs', '2', '--size', '1MiB', ...model)
    expect(found.latencyModel).toBe('table-5-far')
    expect(found.conditions).toContainEqual(expect.stringMatching(/^modelled: .*table-5-far/))
    const rows = (found.experiments['latency']?.rows ?? []) as LatencyRow[]
    expect(rows).not.toEqual([])
    for (const { node, best } of rows) {
      expect(best).toBeGreaterThanOrEqual(node === 'local' ? 200 : 363)
    }
  })

  it('says of access what the model does not slow down', async () => {
    const { conditions } = await report(
      ...['access', '--runs', '1', '--processes', '1', '--size', '64KiB'],
      ...['--latency-model', 'table-5-near'],
    )
    expect(conditions).toContain(
      'access: modelled are calls alone, and not loads and stores through an ArrayBuffer',
    )
  })

  it('runs what was asked for, once, and everything by default', async () => {
    const some = await report('queue', 'bandwidth', 'queue', ...QUICK)
    expect(Object.keys(some.experiments)).toEqual(['bandwidth', 'queue'])
    const all = await report(...QUICK)
    expect(Object.keys(all.experiments)).toEqual([
      ...['latency', 'bandwidth', 'alloc', 'migrate', 'access', 'queue', 'kv'],
    ])
    for (const { description, seconds } of Object.values(all.experiments)) {
      expect(description).toMatch(/\.$/)
      expect(seconds).toBeGreaterThan(0)
    }
  })
})

describe('the tables', () => {
  it('stand on stdout, in 80 columns, above their conditions', async () => {
    const { code, stdout } = await emucxl(['bench', ...QUICK])
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    for (const name of ['latency', 'bandwidth', 'alloc', 'migrate', 'access', 'queue', 'kv']) {
      expect(stdout).toContain(`\n${name} (backend emulated): `)
    }
    expect(stdout).toMatch(/^ {2}region +enqueue +remote .* – +1\.13$/m)
    expect(lines.indexOf('! emulated: not a CXL measurement')).toBeGreaterThan(
      lines.findIndex((line) => line.startsWith('  region  dequeue')),
    )
  })

  it('say of which model they are', async () => {
    const { stdout } = await emucxl([
      'bench',
      'latency',
      '--runs',
      '1',
      '--size',
      '1MiB',
      '--latency-model',
      'table-5-near',
    ])
    expect(stdout).toContain('latency (backend emulated, modelled by table-5-near): ')
  })
})

describe('notices and progress', () => {
  it('go to stderr, a line for each experiment, without a raw warning', async () => {
    const { stderr } = await emucxl(['bench', ...QUICK])
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^latency … \d+\.\d s$/),
      expect.stringMatching(/^bandwidth … \d+\.\d s$/),
      expect.stringMatching(/^alloc … \d+\.\d s$/),
      expect.stringMatching(/^migrate … \d+\.\d s$/),
      expect.stringMatching(/^access … \d+\.\d s$/),
      expect.stringMatching(/^queue … \d+\.\d s$/),
      expect.stringMatching(/^kv … \d+\.\d s$/),
    ])
  })

  it('say once that the fallback is emulated, and why', async () => {
    const { code, stdout, stderr } = await emucxl([
      'bench',
      'queue',
      '--json',
      '--runs',
      '1',
      '--count',
      '1',
    ])
    expect(code).toBe(0)
    const { backend } = JSON.parse(stdout) as BenchReport
    const notices = stderr.match(/No remote memory here/g)?.length ?? 0
    expect(notices).toBe(backend === 'emulated' ? 1 : 0)
    expect(stderr).not.toContain('EmucxlWarning')
  })
})

describe('failures end with code 1, a message and its code, and no stack', () => {
  const failed = (code: number | null, stderr: string) => {
    expect(code).toBe(1)
    expect(stderr).not.toMatch(/^\s+at /m)
  }

  it('without the addon', async () => {
    const { code, stdout, stderr } = await emucxl(['bench'], {
      env: { EMUCXL_ADDON: '/nonexistent' },
    })
    failed(code, stderr)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^emucxl: .*could not be loaded.*\[ERR_EMUCXL_LOAD\]\n/)
    expect(stderr).toContain('npm run install')
  })

  it('with a backend that cannot run', async (context) => {
    const { code, stderr } = await emucxl(['bench', 'queue', ...QUICK, '--backend', 'device'])
    if (code === 0) {
      console.log('not tested: /dev/emucxl is here, and works')
      context.skip('/dev/emucxl works')
    }
    failed(code, stderr)
    expect(stderr).toMatch(/^emucxl: \/dev\/emucxl .*\[ERR_EMUCXL_BACKEND_UNAVAILABLE\]\n$/)
  })

  it('with more memory than there is', async () => {
    const { code, stderr } = await emucxl([
      'bench',
      'bandwidth',
      '--backend',
      'emulated',
      '--size',
      '512T',
    ])
    failed(code, stderr)
    expect(stderr).toMatch(/\nemucxl: .*--size \[ERR_EMUCXL_NO_MEMORY\]\n$/)
  })

  it('of a file that cannot be written, after what was measured', async () => {
    const words = ['queue', ...QUICK, '--json', '--csv', '/dev/full', '--html', '/dev/null']
    const { code, stdout, stderr } = await emucxl(['bench', ...words])
    failed(code, stderr)
    expect(Object.keys((JSON.parse(stdout) as BenchReport).experiments)).toEqual(['queue'])
    expect(stderr).toMatch(/\nReport: file:\/\/\/dev\/null\nemucxl: ENOSPC.*\n$/)
  })

  it('of one experiment, with what the others found', async () => {
    const words = ['latency', 'queue', '--backend', 'emulated', '--json', '--processes', '1']
    const { code, stdout, stderr } = await emucxl(
      ['bench', ...words, '--runs', '2', '--count', '50', '--size', '64KiB'],
      {
        watch: (child, _, errors) => {
          if (errors !== 'latency … ') return
          const children = `/proc/${child.pid}/task/${child.pid}/children`
          let pid = 0
          while (pid === 0) pid = Number(readFileSync(children, 'utf8').trim())
          process.kill(pid, 'SIGKILL')
        },
      },
    )
    failed(code, stderr)
    const found = JSON.parse(stdout) as BenchReport
    expect(Object.keys(found.experiments)).toEqual(['queue'])
    expect(found.conditions).toContain(
      'latency: failed: the process that measured latency was ended by SIGKILL',
    )
    expect(stderr).toMatch(/\nemucxl: the process that measured latency was ended by SIGKILL\n$/)
  })

  it('of a later process, with what those before it found', async () => {
    const words = ['queue', '--backend', 'emulated', '--json', '--processes', '3', '--count', '50']
    const seen = new Set<number>()
    const { code, stdout, stderr } = await emucxl(['bench', ...words, '--runs', '200'], {
      watch: (child, _, errors) => {
        if (errors !== 'queue … ') return
        const children = `/proc/${child.pid}/task/${child.pid}/children`
        const timer = setInterval(() => {
          const pid = Number(readFileSync(children, 'utf8').trim().split(' ').at(-1))
          if (pid !== 0) seen.add(pid)
          if (seen.size < 2) return
          clearInterval(timer)
          process.kill(pid, 'SIGKILL')
        }, 1)
      },
    })
    failed(code, stderr)
    const found = JSON.parse(stdout) as BenchReport
    expect(found.interrupted).toBe(false)
    expect(found.experiments['queue']?.processes).toBe(1)
    expect(found.conditions).toEqual(
      expect.arrayContaining([
        'queue: failed: the process that measured queue was ended by SIGKILL',
        'queue: ended after 1 of 3 processes',
      ]),
    )
    expect(stderr).toBe('queue … \nemucxl: the process that measured queue was ended by SIGKILL\n')
  })

  it('of arguments, and leaves no file that was not there', async () => {
    const folder = newFolder()
    const [csv, html, link, old] = ['a.csv', 'a.html', 'link', 'old.json'].map((name) =>
      join(folder, name),
    ) as [string, string, string, string]
    writeFileSync(old, 'no report')
    symlinkSync('nothing.svg', link)
    const words = ['--csv', csv, '--html', html, '--svg', link, '--compare', old]
    const { code, stderr } = await emucxl(['bench', 'queue', 'kv', ...QUICK, ...words])
    failed(code, stderr)
    expect(stderr).toContain('old.json')
    expect(readdirSync(folder)).toEqual(['link', 'old.json'])
  })

  it('of files that are one, by whatever name', async () => {
    const folder = newFolder()
    const at = (name: string) => join(folder, name)
    writeFileSync(at('trace'), '1\n2\n')
    symlinkSync('trace', at('alias'))
    symlinkSync('.', at('same'))
    for (const words of [
      ['--trace', at('trace'), '--csv', at('trace')],
      ['--trace', at('trace'), '--html', at('alias')],
      ['--compare', at('trace'), '--svg', at('alias')],
      ['--csv', at('new'), '--html', join(at('same'), 'new')],
    ]) {
      const { code, stderr } = await emucxl(['bench', 'kv', ...QUICK, ...words])
      expect({ code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^emucxl: --\w+ and --\w+ need different files\n/),
      })
    }
    expect(readFileSync(at('trace'), 'utf8')).toBe('1\n2\n')
    expect(readdirSync(folder).sort()).toEqual(['alias', 'same', 'trace'])
  })

  it('on a full disk', () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'bench', '--help'], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      encoding: 'utf8',
    })
    failed(status, stderr)
    expect(stderr).toContain('[ENOSPC]')
  })
})

it('writes into a pipe', async () => {
  const pipe = join(newFolder(), 'pipe')
  spawnSync('mkfifo', [pipe])
  const reader = spawn('cat', [pipe])
  let read = ''
  reader.stdout.on('data', (text) => {
    read += text
  })
  const ended = once(reader, 'close')
  const { code } = await emucxl(['bench', 'queue', ...QUICK, '--csv', pipe])
  await ended
  expect(code).toBe(0)
  expect(read).toMatch(/^experiment,backend,/)
})

/** CPUs that the threads of a trial may use, by what the kernel tells of its first thread while it measures. */
async function allowedWhile(experiment: string): Promise<Set<string>> {
  const found = new Set<string>()
  const args = [
    experiment,
    '--backend',
    'emulated',
    '--quick',
    '--processes',
    '1',
    '--size',
    '64KiB',
  ]
  await emucxl(['bench', ...args], {
    watch: (child, _, errors) => {
      if (errors !== `${experiment} … `) return
      const timer = setInterval(() => {
        try {
          const pid = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
          const status = readFileSync(`/proc/${pid}/status`, 'utf8')
          found.add(/Cpus_allowed_list:\t(.*)/.exec(status)?.[1] ?? '')
          if (found.size > 1) child.kill('SIGINT') // that is all there is to see
        } catch {
          // not yet, or not any more
        }
      }, 5)
      child.once('exit', () => clearInterval(timer))
    },
  })
  return found
}

describe('the thread of TypeScript', () => {
  const all = /Cpus_allowed_list:\t(.*)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''

  it.each(['alloc', 'migrate', 'access', 'queue'])('stays on one CPU in %s', async (name) => {
    const found = await allowedWhile(name)
    found.delete(all) // before it was pinned
    if (/^\d+$/.test(all)) found.add(all)
    expect([...found]).toEqual([expect.stringMatching(/^\d+$/)])
  })
})

describe('early ends', () => {
  it('is interrupted by Ctrl-C with code 130', async () => {
    const args = ['bench', 'queue', '--backend', 'emulated', '--runs', '1000000', '--count', '100']
    const { code, signal, stderr } = await emucxl(args, {
      watch: (child, _, errors) => {
        if (errors === 'queue … ') child.kill('SIGINT') // once: later it tells of its end
      },
    })
    expect({ code, signal }).toEqual({ code: 130, signal: null })
    expect(stderr).toBe('queue … \n')
  })

  it('prints what was measured before Ctrl-C, as a valid report', async () => {
    const { code, stdout, stderr } = await emucxl(
      [
        ...['bench', 'latency', 'queue', '--json', '--backend', 'emulated', '--runs', '20'],
        ...['--size', '64KiB', '--count', '100000', '--processes', '1'], // so long is the queue's run
      ],
      {
        watch: (child, _, errors) => {
          if (errors.endsWith('queue … ')) child.kill('SIGINT')
        },
      },
    )
    expect(code).toBe(130)
    const found = JSON.parse(stdout) as BenchReport
    expect(found.interrupted).toBe(true)
    expect(Object.keys(found.experiments)).toEqual(['latency'])
    expect(stderr).toMatch(/^latency … \d+\.\d s\nqueue … \n$/)
  })

  it('leaves earlier files alone where Ctrl-C comes before the first result', async () => {
    const file = join(newFolder(), 'earlier.csv')
    writeFileSync(file, 'earlier')
    const args = ['queue', '--backend', 'emulated', '--runs', '1000000', '--csv', file]
    const { code } = await emucxl(['bench', ...args], {
      watch: (child, _, errors) => {
        if (errors === 'queue … ') child.kill('SIGINT')
      },
    })
    expect(code).toBe(130)
    expect(readFileSync(file, 'utf8')).toBe('earlier')
  })

  it('ends at once at the second Ctrl-C', async () => {
    const args = [
      'bench',
      'queue',
      '--backend',
      'emulated',
      '--runs',
      '1000000',
      '--processes',
      '9',
    ]
    const { code, stderr } = await emucxl(args, {
      watch: (child, _, errors) => {
        if (errors === 'queue … ') {
          child.kill('SIGINT')
          child.kill('SIGINT')
        }
      },
    })
    expect(code).toBe(130)
    expect(stderr).toBe('queue … \n')
  })

  it('tells of a process that was killed', async () => {
    const args = ['bench', 'queue', '--backend', 'emulated', '--runs', '1000000']
    const { code, stderr } = await emucxl(args, {
      watch: (child, _, errors) => {
        if (errors !== 'queue … ') return
        const children = `/proc/${child.pid}/task/${child.pid}/children`
        let pid = 0
        while (pid === 0) pid = Number(readFileSync(children, 'utf8').trim()) // it is on its way
        process.kill(pid, 'SIGKILL')
      },
    })
    expect(code).toBe(1)
    expect(stderr).toBe('queue … \nemucxl: the process that measured queue was ended by SIGKILL\n')
  })

  it('is silent when the reader of its output has gone', async () => {
    const { code, signal, stderr } = await emucxl(['bench', 'bandwidth', 'queue', ...QUICK], {
      watch: (child, output) => {
        if (output !== '') child.stdout?.destroy()
      },
    })
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(stderr).not.toMatch(/EPIPE|^\s+at /m)
  })

  it('writes its files when the reader of its output has gone', async () => {
    const folder = newFolder()
    const words = ['bandwidth', 'queue', ...QUICK, '--csv', join(folder, 'a.csv')]
    const { code, signal, stderr } = await emucxl(['bench', ...words], {
      watch: (child, output) => {
        if (output !== '') child.stdout?.destroy()
      },
    })
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(stderr).not.toMatch(/EPIPE|^\s+at /m)
    const lines = readFileSync(join(folder, 'a.csv'), 'utf8').split('\r\n')
    expect(new Set(lines.slice(1, -1).map((line) => line.split(',')[0]))).toEqual(
      new Set(['bandwidth', 'queue']),
    )
  })
})
