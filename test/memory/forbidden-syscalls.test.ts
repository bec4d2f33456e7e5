// In containers mbind and move_pages are often forbidden, while libnuma says that all is well. The
// filter is a real one of the kernel's. It cannot show what other refusals (ENOSYS) look like.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const path = (name: string) => fileURLToPath(new URL(`children/${name}`, import.meta.url))

interface Seen {
  numa: { name: string; code: string; syscall: string; message: string } | null
  auto: string
  where: { code: string; message: string } | null
  whereAsync: string | null
  locked: { code: string; syscall: string; message: string } | null
  allocated: number
  contents: boolean
}

function seenWithout(calls: string): Seen {
  const child = spawnSync(
    'python3',
    [path('forbid.py'), calls, process.execPath, path('forbidden.mjs')],
    { encoding: 'utf8' },
  )
  expect(child.stderr).not.toContain('seccomp:')
  expect(child.status).toBe(0)
  return JSON.parse(child.stdout) as Seen
}

describe('a container that forbids', () => {
  it('mbind: numa cannot be opened, and says how it can; auto falls back', () => {
    const seen = seenWithout('mbind')
    expect(seen.numa).toMatchObject({
      name: 'EmucxlError',
      code: 'ERR_EMUCXL_BACKEND_UNAVAILABLE',
      syscall: 'mbind',
    })
    expect(seen.numa?.message).toContain('--security-opt seccomp=unconfined')
    expect(seen.auto).toBe('emulated')
    expect(seen.where).toBeNull()
    expect(seen.contents).toBe(true)
  })

  it('move_pages: numa cannot be opened; where says why it cannot tell', () => {
    const seen = seenWithout('move_pages')
    expect(seen.numa?.code).toBe('ERR_EMUCXL_BACKEND_UNAVAILABLE')
    expect(seen.where?.code).toBe('ERR_EMUCXL_NOT_PERMITTED')
    expect(seen.where?.message).toContain('--security-opt seccomp=unconfined')
    expect(seen.whereAsync).toBe('ERR_EMUCXL_NOT_PERMITTED')
    expect(seen.contents).toBe(true)
  })

  it('mlock: a locked block is refused, and nothing stays booked', () => {
    const seen = seenWithout('mlock')
    expect(seen.locked).toMatchObject({ code: 'ERR_EMUCXL_LOCK_LIMIT', syscall: 'mlock' })
    expect(seen.locked?.message).toContain('ulimit -l')
    expect(seen.allocated).toBe(0)
  })
})
