// JSON Schemas of what `emucxl bench --json` prints, of the types in bench/harness/results.ts: one of the whole report,
// and one of each experiment's part of it.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGenerator } from 'ts-json-schema-generator'
import { isProgram, root } from './setup.mjs'

const TYPE = 'KnownReport'
const REFERENCE = '#/definitions/'

/** The definitions that a schema needs, by name. */
function needed(schema, definitions, found = {}) {
  const names = JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)
  for (const [, encoded] of names) {
    const name = decodeURIComponent(encoded)
    if (name in found) continue
    found[name] = definitions[name]
    needed(definitions[name], definitions, found)
  }
  return found
}

/** By file. */
export function makeSchemas() {
  const { $schema, definitions } = createGenerator({
    path: join(root, 'bench/harness/results.ts'),
    tsconfig: join(root, 'tsconfig.build.json'),
    type: TYPE,
    skipTypeCheck: true, // tsc has done that
  }).createSchema(TYPE)
  const { [TYPE]: report, ...others } = definitions
  const schema = (name, title, of) => [
    `${name}.json`,
    { $schema, $id: `emucxl/schemas/${name}.json`, title, ...of, definitions: needed(of, others) },
  ]
  const parts = Object.entries(report.properties.experiments.properties).map(([name, part]) => {
    const own = part.$ref === undefined ? part : others[part.$ref.slice(REFERENCE.length)]
    return schema(`bench-${name}`, `experiments.${name} of emucxl bench --json`, own)
  })
  return Object.fromEntries([schema('bench', 'What emucxl bench --json prints', report), ...parts])
}

if (isProgram(import.meta.url)) {
  const folder = join(root, 'dist/schemas')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [file, schema] of Object.entries(makeSchemas())) {
    writeFileSync(join(folder, file), `${JSON.stringify(schema, null, 2)}\n`)
  }
}
