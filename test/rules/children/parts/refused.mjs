// What a call must be refused with.
import assert from 'node:assert/strict'
import { EmucxlError } from 'emucxl'

function check(error, codes, what) {
  assert.ok(error instanceof EmucxlError, `${what}: ${error.stack}`)
  assert.ok(codes.includes(error.code), `${what}: ${error.code}, not ${codes.join(' or ')}`)
}

/** Fails unless the call throws, or its promise is rejected with, an EmucxlError of these codes. */
export async function assertRefused(call, what, ...codes) {
  try {
    await call()
  } catch (error) {
    check(error, codes, what)
    return
  }
  assert.fail(`${what} was not refused`)
}

/** Waits for a promise, which may be rejected with an EmucxlError of these codes and nothing else. */
export async function mayBeRefused(promise, what, ...codes) {
  try {
    return await promise
  } catch (error) {
    check(error, codes, what)
    return undefined
  }
}
