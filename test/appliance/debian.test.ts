// Which mirrors of Debian the host uses, from the files of its apt.

import { expect, test } from 'vitest'
import { readSources } from '../../dist/appliance/debian.js'

test('lines of a .list, but not what is commented out', () => {
  const text = `# deb http://old.example/debian bookworm main
deb http://deb.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/k.gpg] https://download.example/linux/debian bookworm stable
deb-src http://deb.example/debian bookworm main
`
  expect(readSources('sources.list', text)).toEqual([
    { url: 'http://deb.example/debian', suites: 'bookworm', components: 'main contrib' },
    { url: 'https://download.example/linux/debian', suites: 'bookworm', components: 'stable' },
  ])
})

test('stanzas of a .sources, but not one that is disabled', () => {
  const text = `Types: deb deb-src
URIs: http://a.example/debian http://b.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://c.example/debian
Suites: trixie
Components: main
`
  const both = { suites: 'trixie trixie-updates', components: 'main' }
  expect(readSources('debian.sources', text)).toEqual([
    { url: 'http://a.example/debian', ...both },
    { url: 'http://b.example/debian', ...both },
  ])
})

test('no other file', () => {
  expect(readSources('x.list.disabled', 'deb http://a.example/debian sid main')).toEqual([])
})
