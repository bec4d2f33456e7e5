// The error class: what it carries, and that every code is told of.

import { Emucxl, EmucxlError, ERROR_CODES, type ErrorCode } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { failureOf } from './refusal.js'

describe('EmucxlError', () => {
  test('is an Error with a name and a code', () => {
    const error = new EmucxlError('ERR_EMUCXL_FREED', 'gone')
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('EmucxlError')
    expect(error.code).toBe('ERR_EMUCXL_FREED')
    expect(error.message).toBe('gone')
    expect(String(error)).toBe('EmucxlError: gone')
    expect(Object.hasOwn(error, 'cause')).toBe(false)
    expect(Object.keys(error)).toEqual(['code'])
  })

  test('carries the system call, its errno and a cause, where there are some', () => {
    const cause = new Error('below')
    const error = new EmucxlError('ERR_EMUCXL_LOAD', 'no', { syscall: 'open', errno: -2, cause })
    expect(error).toMatchObject({ syscall: 'open', errno: -2, cause })
  })

  test('made in native code it is the same class, with the caller in its stack', async () => {
    using cxl = Emucxl.open({ backend: 'emulated' })
    const error = await failureOf(function theCaller() {
      cxl.free(new ArrayBuffer(1))
    })
    expect(error).toBeInstanceOf(EmucxlError)
    expect(error.stack).toContain('theCaller')
    expect(error.stack).not.toContain('makeError')
    expect(error.syscall).toBeUndefined()
  })

  test('of a failed system call names it, as Node.js does', async () => {
    const error = await failureOf(() => Emucxl.open({ backend: 'device', devicePath: '/nowhere' }))
    expect(error).toMatchObject({ syscall: 'open', errno: -2 })
    expect(error.message).toContain('(open: ENOENT)')
  })
})

describe('codes', () => {
  test.for(Object.entries(ERROR_CODES) as [ErrorCode, string][])(
    '%s is explained',
    ([code, text]) => {
      expect(code).toMatch(/^ERR_EMUCXL_[A-Z_]+$/)
      expect(text).toMatch(/^.{20,}\.$/)
    },
  )
})
