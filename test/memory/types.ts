// What the public types say. This file is compiled, never run: types.test.ts sees to that, and to it
// that the compiler finds what is wrong on purpose here.

import {
  type Address,
  type AllocOptions,
  type AsyncOptions,
  type BackendName,
  type Bytes,
  Emucxl,
  EmucxlError,
  type ERROR_CODES,
  type ErrorCode,
  emucxl_alloc,
  emucxl_memset,
  emucxl_migrate,
  emucxl_read,
  emucxl_stats,
  type LATENCY_PRESETS,
  type LatencyPreset,
  LOCAL_MEMORY,
  type Mapping,
  type MigrateResult,
  type Node,
  type NodeStats,
  REMOTE_MEMORY,
  type Residency,
  type SharedHandle,
} from 'emucxl'
import { expectTypeOf } from 'vitest'

const cxl = Emucxl.open()
const signal = new AbortController().signal
declare const mayBeShared: boolean
declare const options: AllocOptions
declare const address: Address

// A context cannot be made but by open(), and is disposable in both ways.
// @ts-expect-error: the constructor asks for what nobody has
new Emucxl()
expectTypeOf(cxl).toExtend<Disposable>()
expectTypeOf(cxl).toExtend<AsyncDisposable>()
expectTypeOf(cxl.backend).toEqualTypeOf<BackendName>()
expectTypeOf<BackendName>().toEqualTypeOf<'device' | 'numa' | 'emulated'>()
expectTypeOf(cxl.nodes).toEqualTypeOf<readonly Node[]>()
// @ts-expect-error: not for the user to change
cxl.modelled = true

// alloc gives an ArrayBuffer, unless it may be shared.
expectTypeOf(cxl.alloc(1, LOCAL_MEMORY)).toEqualTypeOf<ArrayBuffer>()
expectTypeOf(cxl.alloc(1, 0, {})).toEqualTypeOf<ArrayBuffer>()
expectTypeOf(cxl.alloc(1, 0, { lock: true })).toEqualTypeOf<ArrayBuffer>()
expectTypeOf(cxl.alloc(1, 0, { shared: false })).toEqualTypeOf<ArrayBuffer>()
expectTypeOf(cxl.alloc(1, 0, { shared: true })).toEqualTypeOf<SharedArrayBuffer | ArrayBuffer>()
expectTypeOf(cxl.alloc(1, 0, { shared: mayBeShared })).toEqualTypeOf<
  SharedArrayBuffer | ArrayBuffer
>()
expectTypeOf(cxl.alloc(1, 0, options)).toEqualTypeOf<SharedArrayBuffer | ArrayBuffer>()

// allocAsync gives a promise of the same.
expectTypeOf(cxl.allocAsync(1, REMOTE_MEMORY)).toEqualTypeOf<Promise<ArrayBuffer>>()
expectTypeOf(cxl.allocAsync(1, 0, { signal })).toEqualTypeOf<Promise<ArrayBuffer>>()
expectTypeOf(cxl.allocAsync(1, 0, { shared: false, signal })).toEqualTypeOf<Promise<ArrayBuffer>>()
expectTypeOf(cxl.allocAsync(1, 0, { shared: true, signal })).toEqualTypeOf<
  Promise<SharedArrayBuffer | ArrayBuffer>
>()
expectTypeOf(cxl.allocAsync(1, 0, options)).toEqualTypeOf<
  Promise<SharedArrayBuffer | ArrayBuffer>
>()

// Every twin takes what its method takes, then options with a signal, and promises what it returns.
type Twin<M extends (...taken: never[]) => unknown> = (
  ...taken: [...Parameters<M>, options?: AsyncOptions]
) => Promise<ReturnType<M>>
expectTypeOf(cxl.freeAsync).toEqualTypeOf<Twin<Emucxl['free']>>()
expectTypeOf(cxl.resizeAsync).toEqualTypeOf<Twin<Emucxl['resize']>>()
expectTypeOf(cxl.migrateAsync).toEqualTypeOf<Twin<Emucxl['migrate']>>()
expectTypeOf(cxl.whereAsync).toEqualTypeOf<Twin<Emucxl['where']>>()
expectTypeOf(cxl.copyAsync).toEqualTypeOf<Twin<Emucxl['copy']>>()
expectTypeOf(cxl.moveAsync).toEqualTypeOf<Twin<Emucxl['move']>>()
expectTypeOf(cxl.readAsync).toEqualTypeOf<Twin<Emucxl['read']>>()
expectTypeOf(cxl.writeAsync).toEqualTypeOf<Twin<Emucxl['write']>>()
expectTypeOf(cxl.fillAsync).toEqualTypeOf<Twin<Emucxl['fill']>>()
expectTypeOf(cxl.closeAsync).toEqualTypeOf<() => Promise<void>>()

// An address is a buffer or any view of one; so is memory of JavaScript.
expectTypeOf<ArrayBuffer>().toExtend<Address>()
expectTypeOf<SharedArrayBuffer>().toExtend<Address>()
expectTypeOf<Uint8Array>().toExtend<Address>()
expectTypeOf<DataView>().toExtend<Address>()
expectTypeOf<Buffer>().toExtend<Bytes>()
expectTypeOf<number>().not.toExtend<Address>()
expectTypeOf<number[]>().not.toExtend<Bytes>()

// Answers.
expectTypeOf(cxl.where(address)).toEqualTypeOf<Residency>()
expectTypeOf(cxl.where(address).nodes[0]).toEqualTypeOf<number | undefined>()
expectTypeOf(cxl.stats(0)).toEqualTypeOf<NodeStats>()
expectTypeOf(cxl.mappings()).toEqualTypeOf<Mapping[]>()
expectTypeOf(cxl.migrate(address, 1)).toEqualTypeOf<MigrateResult>()
expectTypeOf(cxl.share(address)).toEqualTypeOf<SharedHandle>()
expectTypeOf(Emucxl.attach).returns.toEqualTypeOf<SharedArrayBuffer | ArrayBuffer>()

// Options that nobody means.
// @ts-expect-error: no such size of pages
cxl.alloc(1, 0, { hugePages: 'all' })
// @ts-expect-error: a signal is no option of a method that cannot be aborted
cxl.alloc(1, 0, { signal })
// @ts-expect-error: a block has a node
cxl.alloc(1)
// @ts-expect-error: capacities are numbers
Emucxl.open({ capacity: { local: '1 GiB' } })
// @ts-expect-error: no such preset
Emucxl.open({ latencyModel: 'fast' })
expectTypeOf<LatencyPreset>().toEqualTypeOf<keyof typeof LATENCY_PRESETS>()

// The standard functions give back what they were given.
expectTypeOf(emucxl_alloc(1, 0)).toEqualTypeOf<ArrayBuffer>()
expectTypeOf(emucxl_memset(new Uint8Array(1), 0, 1)).toExtend<Uint8Array>()
expectTypeOf(emucxl_migrate(new DataView(new ArrayBuffer(1)), 1)).toExtend<DataView>()
expectTypeOf(emucxl_read).returns.toEqualTypeOf<boolean>()
expectTypeOf(emucxl_stats).toEqualTypeOf<(node: number) => number>()

// Errors.
const error = new EmucxlError('ERR_EMUCXL_BUSY', 'wait', { syscall: 'mmap', errno: -12 })
expectTypeOf(error).toExtend<Error>()
expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
expectTypeOf(error.errno).toEqualTypeOf<number | undefined>()
expectTypeOf<ErrorCode>().toEqualTypeOf<keyof typeof ERROR_CODES>()
expectTypeOf<'ERR_EMUCXL_NO_MEMORY'>().toExtend<ErrorCode>()
// @ts-expect-error: no such code
new EmucxlError('ERR_EMUCXL_NONE', '')
// @ts-expect-error: not for the user to change
error.code = 'ERR_EMUCXL_BUSY'
